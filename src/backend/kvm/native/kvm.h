/* What the files of the addon share. Only addon.c knows Node-API; only thread.c knows threads. */
#ifndef ARM_GDBSTUB_KVM_H
#define ARM_GDBSTUB_KVM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Guest RAM. It is unmapped when neither JavaScript nor a VM uses it any more. Main thread only. */
struct memory {
  void *data;
  size_t size;
  int users;
};

enum kind { KIND_SYSTEM, KIND_VM, KIND_DEVICE, KIND_VCPU };

/* A file descriptor of KVM. It is freed when JavaScript and the handles made from it are done with it. Main thread only. */
struct handle {
  enum kind kind;
  int fd;
  int users;
  struct handle *parent;
};

enum { MEMORY_SLOTS = 8 };

struct vm {
  struct handle handle;
  struct memory *slots[MEMORY_SLOTS];
};

struct vcpu;
/* Runs on the vCPU's thread. The answer of an ioctl, or a negative errno. */
typedef int (*vcpu_command)(struct vcpu *vcpu, void *argument);

struct vcpu {
  struct handle handle;
  struct kvm_run *run;
  size_t run_size;

  pthread_t thread;
  bool has_thread;
  /* Guards everything below. */
  pthread_mutex_t mutex;
  /* Told to the thread: there is a command, or it shall end. */
  pthread_cond_t posted;
  /* Told to the main thread: the command is done. */
  pthread_cond_t done;
  vcpu_command command;
  void *argument;
  int result;
  bool ending;
  /* Nobody waits any more: `announce` tells when the command is done. */
  bool abandoned;
  /* Called on the vCPU's thread. */
  void (*announce)(void *context);
  void *announce_context;
};

/* handle.c: each makes a thing with one user, or answers NULL and sets errno. */
struct memory *memory_create(size_t size);
void memory_release(struct memory *memory);
/* Guest RAM was written from outside: makes it visible to a guest whose caches are off, and to instruction fetches. */
void memory_clean(char *from, char *to);
struct handle *system_open(const char *path);
struct handle *vm_create(struct handle *system, unsigned long type);
/* Writes to read-only memory exit as accesses of a device. */
int vm_set_memory(struct vm *vm, uint32_t slot, uint64_t address, struct memory *memory, bool read_only);
/* All accesses to what was there exit from now on. */
int vm_drop_memory(struct vm *vm, uint32_t slot);
struct handle *device_create(struct handle *vm, uint32_t type);
struct vcpu *vcpu_create(struct handle *vm, unsigned long index, size_t run_size);
void handle_release(struct handle *handle);

/* thread.c */
/* The signal that ends KVM_RUN; false when every real-time signal is taken. */
bool threads_prepare(void);
/* 0 or an errno. */
int thread_start(struct vcpu *vcpu);
/* Returns once the thread is gone. May be called again. */
void thread_stop(struct vcpu *vcpu);
/* Waits for the command. -EBUSY while another one runs. */
int thread_execute(struct vcpu *vcpu, vcpu_command command, void *argument);
/* A command runs, or a run has not been told to end. */
bool thread_is_busy(struct vcpu *vcpu);
/* KVM_RUN. Waits for so long; false: the exit will be announced. */
bool thread_run(struct vcpu *vcpu, long microseconds, int *result);
/* Makes the run in progress, or else the next, answer -EINTR. */
void thread_kick(struct vcpu *vcpu);

/* registers.c: commands, and their arguments. */
struct register_batch {
  /* For each register: 0 reads, 1 writes it. */
  const uint8_t *writes;
  const uint64_t *ids;
  uint64_t *values;
  size_t words;
  int32_t *errnos;
  size_t count;
};
/* Number of failures; -E2BIG, with nothing done, if `values` is too short. */
int registers_transfer(struct vcpu *vcpu, void *batch);
/* `list` has room for `list->n` ids. -E2BIG: list->n tells how many there are. */
int registers_list(struct vcpu *vcpu, void *list);

struct ioctl_call {
  unsigned long request;
  unsigned long argument;
};
int ioctl_command(struct vcpu *vcpu, void *call);

#endif
