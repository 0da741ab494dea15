import { phpCsvLine } from './php-csv.ts';
import type { SeededRandom } from './seeded-random.ts';

/** The usual columns of an export, the misspelling included. */
const COLUMNS = [
  'subjectId',
  'imageName',
  'references',
  'scientificName',
  'country',
  'stateProvince',
  'county',
  'eol',
  'mol',
  'idigbio',
  '#institutionCode',
  '#collectionCode',
  '#catalogNumber',
  '#occurrenceRecordId',
  '#occurrernceId',
  '#imageId',
  '#expeditionId',
  '#expeditionTitle',
];

const SPECIES = [
  'Quercus geminata Small',
  'Asplenium ×ebenoides R.R.Scott',
  'Sabal palmetto (Walter) Lodd. ex Schult. & Schult.f.',
  'Sarracenia leucophylla',
  'Pinus palustris Mill.',
  'Magnolia grandiflora L.',
] as const;

const PLACES = [
  ['United States', 'Florida', 'Leon'],
  ['United States', 'Florida', 'St. Johns'],
  ['United States', 'Georgia', 'Thomas, southern part'],
  ['Canada', 'Québec', 'Montérégie'],
  ['México', 'Nuevo León', ''],
] as const;

const COLLECTIONS = [
  ['FSU', 'FSU Herbarium'],
  ['USF', 'Vascular plants'],
  ['FLAS', 'Ferns\nand allies'],
  ['VSC', 'Coll. \\"Smith\\" GA'],
  ['MT', 'Herbier "Marie-Victorin"'],
  ['UWFP', 'D:\\scans\\'],
] as const;

const TITLE = 'Plants of the Panhandle, "Big Bend" to Pensacola';

/** The name of a sample's image, as exports have it: the id of its subject. */
export function sampleImageName(random: SeededRandom): string {
  return `${random.bytes(12).toString('hex')}.jpg`;
}

/**
 * A manifest CSV as PHP writes it, with a row for each of `images` in their order. Its values need
 * all that the dialect has: quotes, quotes behind a backslash, a backslash before a closing quote,
 * commas, a newline, letters beyond ASCII.
 */
export function sampleManifest(images: readonly string[], random: SeededRandom): Buffer {
  const lines = images.map((image, index) => phpCsvLine(sampleRow(image, index, random)));
  return Buffer.from(`${[phpCsvLine(COLUMNS), ...lines].join('\n')}\n`);
}

function sampleRow(image: string, index: number, random: SeededRandom): string[] {
  const subject = image.replace('.jpg', '');
  const record = uuid(random);
  const [institution, collection] = random.pick(COLLECTIONS);
  return [
    subject,
    image,
    `https://cdn.example.org/specimens/${subject}`,
    random.pick(SPECIES),
    ...random.pick(PLACES),
    '',
    '',
    `https://www.idigbio.org/portal/records/${record}`,
    institution,
    collection,
    String(index + 1).padStart(9, '0'),
    `urn:uuid:${record}`,
    `${institution}:${index + 1}`,
    uuid(random),
    '512',
    TITLE,
  ];
}

/** A UUID of version 4 (RFC 9562 section 5.4). */
export function uuid(random: SeededRandom): string {
  const bytes = random.bytes(16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
