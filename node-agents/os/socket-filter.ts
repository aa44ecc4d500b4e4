/**
 * Filters of single sockets (classic BPF, socket(7) SO_ATTACH_FILTER): what they drop, TCP never sees. They need
 * no privilege. Programs: `source-filter.ts`, `reset-filter.ts`.
 */
import { native } from './ffi.ts';

/** struct sock_filter: u16 code, u8 jump if true, u8 jump if false, u32 operand. */
export type Instruction = [code: number, jt: number, jf: number, k: number];

export const operation = {
  loadWord: 0x20,
  loadByte: 0x30,
  jumpIfEqual: 0x15,
  jumpIfAnyBit: 0x45,
  /** So many bytes of the packet pass; none: it is dropped. */
  answer: 0x06,
  all: 0xffffffff,
} as const;

/** @returns whether the kernel took it. */
export function attachFilter(fd: number, program: Buffer<ArrayBuffer>): boolean {
  const os = native();
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

export function detachFilter(fd: number): boolean {
  return native().setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, Buffer.alloc(4), 4) === 0;
}

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;
const instructionBytes = 8;

export function encodeFilter(program: readonly Instruction[]): Buffer<ArrayBuffer> {
  const code = Buffer.alloc(program.length * instructionBytes);
  for (const [i, [what, jt, jf, k]] of program.entries()) {
    const at = i * instructionBytes;
    code.writeUInt16LE(what, at);
    code.writeUInt8(jt, at + 2);
    code.writeUInt8(jf, at + 3);
    code.writeUInt32LE(k >>> 0, at + 4);
  }
  return code;
}
