/**
 * A socket filter (classic BPF, socket(7) SO_ATTACH_FILTER) that lets in packets of a few addresses and drops
 * all others before TCP sees them: to everybody else the port looks as if nothing were there. Needs no
 * privilege. What a listener accepts inherits it.
 */
import type { Ip } from '#schema/name/ip.ts';
import { native } from './ffi.ts';

/** @param allowed of the socket's own family. @returns whether the kernel took it. */
export function filterSources(fd: number, allowed: readonly Ip[]): boolean {
  const os = native();
  const program = sourceFilter(allowed);
  const code = os.calloc(1n, BigInt(program.length));
  os.ffi.exportBuffer(program, code, program.length);
  // struct sock_fprog: the number of instructions, then where they are.
  const fprog = Buffer.alloc(16);
  fprog.writeUInt16LE(program.length / instructionBytes, 0);
  fprog.writeBigUInt64LE(code, 8);
  const taken = os.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, fprog, fprog.length) === 0;
  os.free(code);
  return taken;
}

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

/** struct sock_filter: u16 code, u8 jump if true, u8 jump if false, u32 operand. */
const instructionBytes = 8;
type Instruction = [code: number, jt: number, jf: number, k: number];

const loadWord = 0x20;
const jumpIfEqual = 0x15;
const answer = 0x06;
/** Offsets from here on count from the network header (linux/filter.h SKF_NET_OFF). */
const networkHeader = 0xfff00000;
const all = 0xffffffff;

/**
 * Word by word of the source address; the first that differs leads to the next address allowed, and the last
 * of these to the drop.
 */
export function sourceFilter(allowed: readonly Ip[]): Buffer<ArrayBuffer> {
  const program: Instruction[] = [];
  for (const { family, bytes } of allowed) {
    const source = networkHeader + (family === 4 ? 12 : 8);
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const count = bytes.length / 4;
    for (let i = 0; i < count; i++) {
      // After the comparison that differs: those left of this address, and its `accept`.
      const toNext = 2 * (count - i - 1) + 1;
      program.push([loadWord, 0, 0, source + 4 * i], [jumpIfEqual, 0, toNext, words.getUint32(4 * i)]);
    }
    program.push([answer, 0, 0, all]);
  }
  program.push([answer, 0, 0, 0]);
  const code = Buffer.alloc(program.length * instructionBytes);
  for (const [i, [operation, jt, jf, k]] of program.entries()) {
    const at = i * instructionBytes;
    code.writeUInt16LE(operation, at);
    code.writeUInt8(jt, at + 2);
    code.writeUInt8(jf, at + 3);
    code.writeUInt32LE(k >>> 0, at + 4);
  }
  return code;
}
