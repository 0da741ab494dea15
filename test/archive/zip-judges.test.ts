import { describe, expect, test } from 'vitest';
import { HAS_INFO_ZIP, pythonZip, readByPython, testByUnzip } from '../support/zip-fixtures.ts';
import { judgeZip, testBy7Zip, testByLibarchive } from '../support/zip-judges.ts';

const NAMES = ['a/b.png', 'a/ä 中.png', 'empty.txt', 'deflated.txt'];

const WRITE = `
with ZipFile(target, 'w') as archive:
    archive.writestr('a/', '')
    archive.writestr('a/b.png', 'stored data')
    archive.writestr('a/ä 中.png', 'more data')
    archive.writestr('empty.txt', '')
    archive.writestr('deflated.txt', 'data ' * 60_000, ZIP_DEFLATED)
`;

const archive = pythonZip(WRITE);

/** What judges say of data with another CRC; Info-ZIP's words are not in its error. */
const judges = [
  { name: '7-Zip', judge: testBy7Zip, badCrc: /CRC Failed/ },
  { name: 'libarchive', judge: testByLibarchive, badCrc: /bad CRC/ },
  { name: 'Python', judge: async (zip: Buffer) => readByPython(zip), badCrc: /bad CRC/ },
  { name: 'Info-ZIP', judge: async (zip: Buffer) => testByUnzip(zip), badCrc: /unzip/ },
].filter(({ name }) => name !== 'Info-ZIP' || HAS_INFO_ZIP);

/** The archive with one bit of the byte turned that is `offset` behind the first place of `text`. */
function turnBit(text: string, offset = 0): Buffer {
  const copy = Buffer.from(archive);
  const at = copy.indexOf(text) + offset;
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}

test.each([
  ['an archive', archive],
  ['a streamed one with data descriptors', pythonZip(WRITE, { seekable: false })],
  [
    'one with Zip64 records',
    pythonZip(`
with ZipFile(target, 'w') as archive:
    for name in ${JSON.stringify(NAMES)}:
        with archive.open(name, 'w', force_zip64=True) as file: file.write(b'data')
`),
  ],
])('all judges accept %s and name its files', async (_, zip) => {
  expect(await judgeZip(zip)).toEqual(NAMES);
});

describe.each(judges)('$name', ({ judge, badCrc }) => {
  test('rejects a stored entry with a wrong byte', async () => {
    await expect(judge(turnBit('stored data'))).rejects.toThrow(badCrc);
  });

  test('rejects a deflated entry with a wrong CRC in both headers', async () => {
    // The directory's header comes last: its CRC is 30 bytes before the name, the local one's 16.
    const local = archive.indexOf('deflated.txt') - 16;
    const central = archive.lastIndexOf('deflated.txt') - 30;
    const copy = Buffer.from(archive);
    for (const at of [local, central]) copy.writeUInt32LE(0x01020304, at);
    await expect(judge(copy)).rejects.toThrow(badCrc);
  });

  test('rejects an archive that is cut before its end', async () => {
    await expect(judge(archive.subarray(0, -22))).rejects.toThrow();
  });
});

test.each([
  { name: '7-Zip', judge: testBy7Zip, complaint: /Headers Error/ },
  { name: 'libarchive', judge: testByLibarchive, complaint: /Inconsistent CRC32/ },
])('$name rejects a local header that says other than the directory', async (by) => {
  await expect(by.judge(turnBit('a/b.png', -16))).rejects.toThrow(by.complaint);
});

test('7-Zip rejects bytes behind the end of the archive', async () => {
  const longer = Buffer.concat([archive, Buffer.from('more')]);
  await expect(testBy7Zip(longer)).rejects.toThrow(/data after the end of archive/);
});

test('libarchive names what the directory names, not every record', async () => {
  const zip = pythonZip(`
with ZipFile(target, 'w') as archive:
    for name in 'abc': archive.writestr(name, 'data')
    archive.filelist.pop(1)
`);
  expect(await testByLibarchive(zip)).toEqual(['a', 'c']);
});
