/* File descriptors of KVM and guest RAM, and who still uses them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm.h"

struct memory *memory_create(size_t size) {
  struct memory *memory = malloc(sizeof *memory);
  if (!memory) return NULL;
  void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    free(memory);
    errno = ENOMEM;
    return NULL;
  }
  *memory = (struct memory){.data = data, .size = size, .users = 1};
  return memory;
}

void memory_release(struct memory *memory) {
  if (--memory->users > 0) return;
  munmap(memory->data, memory->size);
  free(memory);
}

void memory_clean(char *from, char *to) {
#ifdef __aarch64__
  /* A guest without caches reads the point of coherency: DC CIVAC, by the smallest line of CTR_EL0.DminLine. */
  uint64_t ctr;
  __asm__("mrs %0, ctr_el0" : "=r"(ctr));
  uintptr_t line = (uintptr_t)4 << ((ctr >> 16) & 15);
  for (uintptr_t at = (uintptr_t)from & ~(line - 1); at < (uintptr_t)to; at += line)
    __asm__ volatile("dc civac, %0" ::"r"(at) : "memory");
  __asm__ volatile("dsb ish" ::: "memory");
#endif
  __builtin___clear_cache(from, to);
}

/* Fills a handle that was allocated as part of something. Takes over `fd`. */
static void handle_fill(struct handle *handle, enum kind kind, int fd, struct handle *parent) {
  *handle = (struct handle){.kind = kind, .fd = fd, .users = 1, .parent = parent};
  if (parent) parent->users++;
}

static struct handle *handle_create(enum kind kind, int fd, struct handle *parent, size_t size) {
  if (fd < 0) return NULL;
  struct handle *handle = calloc(1, size);
  if (!handle) {
    close(fd);
    errno = ENOMEM;
    return NULL;
  }
  handle_fill(handle, kind, fd, parent);
  return handle;
}

struct handle *system_open(const char *path) {
  return handle_create(KIND_SYSTEM, open(path, O_RDWR | O_CLOEXEC), NULL, sizeof(struct handle));
}

struct handle *vm_create(struct handle *system, unsigned long type) {
  int fd;
  do fd = ioctl(system->fd, KVM_CREATE_VM, type);
  while (fd < 0 && errno == EINTR);
  return handle_create(KIND_VM, fd, system, sizeof(struct vm));
}

int vm_set_memory(struct vm *vm, uint32_t slot, uint64_t address, struct memory *memory, bool read_only) {
  if (slot >= MEMORY_SLOTS || vm->slots[slot]) return -EINVAL;
  struct kvm_userspace_memory_region region = {
      .slot = slot,
      .flags = read_only ? KVM_MEM_READONLY : 0,
      .guest_phys_addr = address,
      .memory_size = memory->size,
      .userspace_addr = (uintptr_t)memory->data,
  };
  if (ioctl(vm->handle.fd, KVM_SET_USER_MEMORY_REGION, &region) < 0) return -errno;
  /* SAFETY: the guest reaches the mapping until the VM is gone, so it counts as a user. */
  memory->users++;
  vm->slots[slot] = memory;
  return 0;
}

int vm_drop_memory(struct vm *vm, uint32_t slot) {
  if (slot >= MEMORY_SLOTS || !vm->slots[slot]) return -EINVAL;
  struct kvm_userspace_memory_region region = {.slot = slot};
  if (ioctl(vm->handle.fd, KVM_SET_USER_MEMORY_REGION, &region) < 0) return -errno;
  /* SAFETY: when the ioctl is back no vCPU has a translation to it. */
  memory_release(vm->slots[slot]);
  vm->slots[slot] = NULL;
  return 0;
}

struct handle *device_create(struct handle *vm, uint32_t type) {
  struct kvm_create_device device = {.type = type};
  if (ioctl(vm->fd, KVM_CREATE_DEVICE, &device) < 0) return NULL;
  return handle_create(KIND_DEVICE, (int)device.fd, vm, sizeof(struct handle));
}

struct vcpu *vcpu_create(struct handle *vm, unsigned long index, size_t run_size) {
  if (run_size < sizeof(struct kvm_run)) {
    errno = EINVAL;
    return NULL;
  }
  int fd = ioctl(vm->fd, KVM_CREATE_VCPU, index);
  struct vcpu *vcpu = (struct vcpu *)handle_create(KIND_VCPU, fd, vm, sizeof(struct vcpu));
  if (!vcpu) return NULL;
  void *run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (run == MAP_FAILED) {
    int error = errno;
    handle_release(&vcpu->handle);
    errno = error;
    return NULL;
  }
  vcpu->run = run;
  vcpu->run_size = run_size;
  return vcpu;
}

void handle_release(struct handle *handle) {
  if (--handle->users > 0) return;
  struct handle *parent = handle->parent;
  if (handle->kind == KIND_VCPU) {
    struct vcpu *vcpu = (struct vcpu *)handle;
    /* SAFETY: the thread uses the vCPU until it is joined. */
    thread_stop(vcpu);
    if (vcpu->run) munmap(vcpu->run, vcpu->run_size);
  }
  /* SAFETY: first the VM, then the memory that its guest could reach. */
  close(handle->fd);
  if (handle->kind == KIND_VM)
    for (int slot = 0; slot < MEMORY_SLOTS; slot++) {
      struct memory *memory = ((struct vm *)handle)->slots[slot];
      if (memory) memory_release(memory);
    }
  free(handle);
  if (parent) handle_release(parent);
}
