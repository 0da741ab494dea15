"""What a service in Python does that zips objects in memory, as the one did that sheaf replaces: it gets
each object whole, one after the other (boto3), puts it into a ZIP in memory (zipfile, stored), and
uploads that when it is complete.
"""

import io
import zipfile

from protocol import run_program


def zip_in_memory(s3, job):
    memory = io.BytesIO()
    bytes_read = 0
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED) as archive:
        for key in job["keys"]:
            content = s3.get_object(Bucket=job["bucket"], Key=key)["Body"].read()
            archive.writestr(key.rsplit("/", 1)[-1], content)
            bytes_read += len(content)
    bytes_written = memory.tell()
    memory.seek(0)
    # In parts, several threads at once; put_object takes as long.
    extra = {"ContentType": "application/zip"}
    s3.upload_fileobj(memory, job["bucket"], job["target"], ExtraArgs=extra)
    return {"bytesRead": bytes_read, "bytesWritten": bytes_written}


run_program(zip_in_memory)
