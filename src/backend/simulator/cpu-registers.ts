/** The registers of a simulated CPU as the simulated kernel's register file. */
import { Layout } from '../../arm/index.ts';
import type { Cpu } from './cpu.ts';
import type { RegisterFile } from './register-file.ts';

export class CpuRegisters implements RegisterFile {
  private readonly cpu: Cpu;
  hasRun = false;

  constructor(cpu: Cpu) {
    this.cpu = cpu;
  }

  get cacheSizes(): readonly number[] {
    return this.cpu.registers.cacheSizes;
  }

  readX(n: number): bigint {
    return this.cpu.core.readX(n);
  }

  writeX(n: number, value: bigint): void {
    this.cpu.core.writeX(n, value);
  }

  readSp(el: 0 | 1): bigint {
    return this.cpu.core.readSp(el);
  }

  writeSp(el: 0 | 1, value: bigint): void {
    this.cpu.core.writeSp(el, value);
  }

  readPc(): bigint {
    return this.cpu.core.readPc();
  }

  writePc(value: bigint): void {
    this.cpu.core.writePc(value);
  }

  readPstate(): bigint {
    return BigInt(this.cpu.core.getPstate());
  }

  writePstate(value: bigint): void {
    this.cpu.core.setPstate(Number(value & 0xffff_ffffn));
  }

  readV(n: number, half: 0 | 1): bigint {
    return this.cpu.core.longs[(Layout.v >> 3) + n * 2 + half];
  }

  writeV(n: number, half: 0 | 1, value: bigint): void {
    this.cpu.core.longs[(Layout.v >> 3) + n * 2 + half] = value;
  }

  readSystem(number: number): bigint {
    return this.cpu.registers.read(number);
  }

  writeSystem(number: number, value: bigint): void {
    this.cpu.registers.write(number, value);
  }

  keptBits(number: number): bigint {
    return this.cpu.registers.keeps(number);
  }
}
