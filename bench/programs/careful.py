"""What a careful user would write in Python: download the archive to disk, extract it to disk
(zipfile, tarfile), read the manifest (csv), pack each batch on disk (zipfile, stored), and upload it
(boto3). boto3 moves a file in parts, several threads at once; batches are made side by side in threads.
"""

import csv
import os
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

from protocol import run_program

MANIFEST = "manifest.csv"


def split(s3, job):
    archive = os.path.join(job["workDir"], job["file"])
    folder = os.path.join(job["workDir"], "images")
    s3.download_file(job["bucket"], job["key"], archive)
    extract(archive, folder)
    with ThreadPoolExecutor(job["lanes"]) as lanes:
        written = list(lanes.map(lambda batch: pack(s3, job, folder, batch), plan(folder, job)))
    return {"bytesRead": os.path.getsize(archive), "bytesWritten": sum(written)}


def extract(archive, folder):
    if archive.endswith(".zip"):
        with zipfile.ZipFile(archive) as source:
            source.extractall(folder)
        return
    # From a file that can seek: as a stream ("r|gz") it takes longer.
    with tarfile.open(archive) as source:
        # Without the checks of names and modes that newer versions make: the archive is the bench's own.
        source.extraction_filter = lambda member, path: member
        source.extractall(folder)


def plan(folder, job):
    """The batches: number, the manifest's text and the images' names."""
    rows = read_rows(os.path.join(folder, MANIFEST))
    header, column = rows[0][0], rows[0][1].index("imageName")
    for number, first in enumerate(range(1, len(rows), job["batchSize"]), 1):
        batch = rows[first : first + job["batchSize"]]
        text = header + "".join(raw for raw, _ in batch)
        yield number, text, [fields[column] for _, fields in batch]


def read_rows(path):
    """Each row as it stands in the file, so that no quoting is changed, and its fields."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = file.readlines()
    rows, taken = [], 0
    reader = csv.reader(lines)
    for fields in reader:
        rows.append(("".join(lines[taken : reader.line_num]), fields))
        taken = reader.line_num
    return rows


def pack(s3, job, folder, batch):
    number, manifest, images = batch
    name = f"{job['base']}-part{number}.zip"
    path = os.path.join(job["workDir"], name)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
        target.writestr(MANIFEST, manifest)
        for image in images:
            target.write(os.path.join(folder, image), image)
    s3.upload_file(path, job["bucket"], f"batch/{name}", ExtraArgs={"ContentType": "application/zip"})
    return os.path.getsize(path)


run_program(split)
