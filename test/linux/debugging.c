/* What Linux makes of the debug registers and of software step: one process that debugs another. */
#define _GNU_SOURCE
#include <asm/ptrace.h>
#include <elf.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile unsigned long watched;
static int count;

__attribute__((noinline)) static void work(void) { count++; }

static pid_t child;

static void set(int kind, unsigned long address, unsigned control) {
  struct user_hwdebug_state state = {0};
  state.dbg_regs[0].addr = address, state.dbg_regs[0].ctrl = control;
  struct iovec vector = {&state, offsetof(struct user_hwdebug_state, dbg_regs) + sizeof state.dbg_regs[0]};
  if (ptrace(PTRACE_SETREGSET, child, kind, &vector)) perror("PTRACE_SETREGSET"), exit(1);
}

static unsigned long pc(void) {
  struct user_pt_regs registers;
  struct iovec vector = {&registers, sizeof registers};
  ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &vector);
  return registers.pc;
}

static void stopped(const char *what, int request) {
  int status;
  siginfo_t info;
  ptrace(request, child, 0, 0);
  waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) { printf("%s: status %x\n", what, status); return; }
  ptrace(PTRACE_GETSIGINFO, child, 0, &info);
  printf("%s: signal %d code %d at %s, pc in work %d\n", what, WSTOPSIG(status), info.si_code,
         info.si_addr == (void *)&watched ? "watched" : info.si_addr == (void *)work ? "work" : "?", pc() == (unsigned long)work);
}

int main(void) {
  struct user_hwdebug_state state;
  struct iovec vector = {&state, sizeof state};
  child = fork();
  if (!child) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    watched = 1;
    work();
    asm volatile("brk #5");
    _exit(7);
  }
  int status;
  waitpid(child, &status, 0);
  ptrace(PTRACE_GETREGSET, child, NT_ARM_HW_BREAK, &vector);
  printf("breakpoints %u", state.dbg_info & 0xff);
  vector.iov_len = sizeof state;
  ptrace(PTRACE_GETREGSET, child, NT_ARM_HW_WATCH, &vector);
  printf(" watchpoints %u architecture %u\n", state.dbg_info & 0xff, state.dbg_info >> 8 & 0xff);
  /* 8 bytes, stores, EL0; an instruction, EL0. */
  set(NT_ARM_HW_WATCH, (unsigned long)&watched, 0xff << 5 | 2 << 3 | 2 << 1 | 1);
  stopped("watchpoint", PTRACE_CONT);
  set(NT_ARM_HW_WATCH, 0, 0);
  set(NT_ARM_HW_BREAK, (unsigned long)work, 0xf << 5 | 2 << 1 | 1);
  stopped("breakpoint", PTRACE_CONT);
  set(NT_ARM_HW_BREAK, 0, 0);
  unsigned long before = pc();
  stopped("step", PTRACE_SINGLESTEP);
  printf("step went %ld\n", pc() - before);
  stopped("BRK", PTRACE_CONT);
  ptrace(PTRACE_KILL, child, 0, 0);
  waitpid(child, &status, 0);
  printf("ended by %d\n", WTERMSIG(status));
  return 0;
}
