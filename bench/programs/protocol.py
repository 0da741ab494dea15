"""How the bench speaks to programs in Python: the lines on standard input and output are those of
protocol.ts.
"""

import json
import sys

import boto3
from botocore.config import Config


def s3_client():
    """As sheaf's own: path-style addresses, checksums only where S3 demands them."""
    return boto3.client(
        "s3",
        config=Config(
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # boto3 uses ten threads a transfer; fewer connections would make them wait.
            max_pool_connections=50,
        ),
    )


def run_program(work):
    """Does each job that it is given, with a fresh S3 client, and says what it has done."""
    print("ready", flush=True)
    for line in iter(sys.stdin.readline, ""):
        print(json.dumps(work(s3_client(), json.loads(line))), flush=True)
