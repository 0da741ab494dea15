import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DETECT_BYTES, detectContainer } from '../../src/archive/detect.ts';
import { endRecords } from '../../src/archive/zip-records.ts';
import { runPython } from '../support/python.ts';

/** A TAR that Python's tarfile made, of one file; its magic is blanked for the format of before POSIX. */
function tar(format: 'USTAR' | 'GNU' | 'PAX' | 'V7'): Buffer {
  const program = `
import io, sys, tarfile
out = io.BytesIO()
with tarfile.open(fileobj=out, mode='w', format=tarfile.${format === 'V7' ? 'USTAR' : format}_FORMAT) as tar:
    info = tarfile.TarInfo('é.jpg'); info.size = 3
    tar.addfile(info, io.BytesIO(b'abc'))
sys.stdout.buffer.write(out.getvalue())`;
  const bytes = runPython(program);
  if (format !== 'V7') return bytes;
  bytes.fill(0, 257, 512).fill(' ', 148, 156);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

describe('an archive', () => {
  it('is a ZIP by its first record, even without entries', () => {
    expect(detectContainer(Buffer.from('PK\x03\x04'))).toBe('zip');
    expect(detectContainer(endRecords({ count: 0, offset: 0, length: 0 }))).toBe('zip');
  });

  it('is gzip by its signature', () => {
    expect(detectContainer(gzipSync('x'))).toBe('gzip');
  });

  it.each(['USTAR', 'GNU', 'PAX', 'V7'] as const)('is a TAR as %s has it', (format) => {
    const bytes = tar(format);
    const before = Buffer.from(bytes);
    expect(detectContainer(bytes.subarray(0, DETECT_BYTES))).toBe('tar');
    expect(bytes).toEqual(before);
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['short', Buffer.from('PK')],
    ['zeros', Buffer.alloc(1024)],
    ['a ZIP in the name only', Buffer.from('<?xml version="1.0"?><Error/>')],
    ['a JPEG', Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(600, 7)])],
    ['a TAR header cut short', tar('V7').subarray(0, 300)],
    ['a TAR header with a wrong checksum', tar('V7').fill('z', 0, 1)],
  ])('is none that is known where the bytes are %s', (_, bytes) => {
    expect(detectContainer(bytes)).toBeUndefined();
  });
});
