import { encodeMosaic } from './mosaic-jpeg.ts';
import type { SeededRandom } from './seeded-random.ts';

/** The picture's size in tiles of 8 pixels: 320 x 240 pixels. */
const WIDTH = 40;
const HEIGHT = 30;

/** The two chroma components of JFIF's YCbCr. */
interface Chroma {
  readonly cb: number;
  readonly cr: number;
}

const PAPER: Chroma = { cb: 118, cr: 134 };
const GREY: Chroma = { cb: 128, cr: 128 };
const LABEL_LUMA = 245;
const INK_LUMA = 20;

/** The digits 0 to 9, 3 tiles wide and 5 high, a bit a tile. */
const DIGITS = [
  '111101101101111',
  '010110010010111',
  '111001111100111',
  '111001111001111',
  '101101111001001',
  '111100111001111',
  '111100111101111',
  '111001010010010',
  '111101111101111',
  '111101111001111',
];
const DIGIT_WIDTH = 3;
const DIGIT_HEIGHT = 5;

/**
 * A JPEG, 3 to 4 KB, of a leaf on a herbarium sheet with a label that shows `number`, so that no two
 * pictures are the same. Paper and leaf come from `random`.
 */
export function samplePicture(number: number, random: SeededRandom): Buffer {
  const colours = new Uint8Array(WIDTH * HEIGHT * 3);
  drawSheet(colours, random);
  drawLabel(colours, String(number));
  return encodeMosaic({ width: WIDTH, height: HEIGHT, colours });
}

function drawSheet(colours: Uint8Array, random: SeededRandom): void {
  const paper = 190 + random.integer(40);
  const leafLuma = 60 + random.integer(80);
  const leaf = { cb: 80 + random.integer(40), cr: 90 + random.integer(50) };
  const angle = (random.integer(180) * Math.PI) / 180;
  const length = 8 + random.integer(5);
  const breadth = 3 + random.integer(4);
  const [along, across] = [Math.cos(angle), Math.sin(angle)];
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const [dx, dy] = [x - WIDTH / 2, y - 11];
      const u = (dx * along + dy * across) / length;
      const v = (dy * along - dx * across) / breadth;
      if (u * u + v * v > 1) paint(colours, x, y, paper - x / 2 - y, PAPER);
      else paint(colours, x, y, leafLuma + 30 * Math.abs(v), leaf);
    }
  }
}

function drawLabel(colours: Uint8Array, digits: string): void {
  const pitch = DIGIT_WIDTH + 1;
  const left = WIDTH - 2 - digits.length * pitch;
  const top = HEIGHT - 2 - DIGIT_HEIGHT;
  for (let y = -1; y <= DIGIT_HEIGHT; y++) {
    for (let x = -1; x < digits.length * pitch; x++) {
      const digit = DIGITS[Number(digits[Math.floor(x / pitch)])];
      const inDigit = x >= 0 && x % pitch < DIGIT_WIDTH && y >= 0 && y < DIGIT_HEIGHT;
      const isInk = inDigit && digit?.[y * DIGIT_WIDTH + (x % pitch)] === '1';
      paint(colours, left + x, top + y, isInk ? INK_LUMA : LABEL_LUMA, GREY);
    }
  }
}

function paint(colours: Uint8Array, x: number, y: number, luma: number, { cb, cr }: Chroma) {
  const tile = (y * WIDTH + x) * 3;
  colours[tile] = luma;
  colours[tile + 1] = cb;
  colours[tile + 2] = cr;
}
