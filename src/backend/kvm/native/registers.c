/* Commands for a vCPU's thread: registers in batches, and plain ioctls. */
#include <errno.h>
#include <sys/ioctl.h>

#include "kvm.h"

/* 64-bit words that the value of a register takes in a batch: one for 32 bits, too. */
static size_t words_of(uint64_t id) {
  size_t bytes = (size_t)1 << ((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);
  return bytes <= 8 ? 1 : bytes / 8;
}

int registers_transfer(struct vcpu *vcpu, void *argument) {
  struct register_batch *batch = argument;
  /* SAFETY: an id says how many bytes the kernel reads or writes, so all of them are counted first. */
  size_t needed = 0;
  for (size_t i = 0; i < batch->count; i++) needed += words_of(batch->ids[i]);
  if (needed > batch->words) return -E2BIG;
  int failures = 0;
  uint64_t *value = batch->values;
  for (size_t i = 0; i < batch->count; i++) {
    struct kvm_one_reg one = {.id = batch->ids[i], .addr = (uintptr_t)value};
    bool write = batch->writes[i];
    /* What could not be read could not be put back. */
    if (write && i > 0 && batch->ids[i] == batch->ids[i - 1] && !batch->writes[i - 1] && batch->errnos[i - 1]) {
      batch->errnos[i] = batch->errnos[i - 1];
      failures++;
      value += words_of(batch->ids[i]);
      continue;
    }
    /* A register of 32 bits fills half of its word. */
    if (!write) *value = 0;
    batch->errnos[i] = ioctl(vcpu->handle.fd, write ? KVM_SET_ONE_REG : KVM_GET_ONE_REG, &one) < 0 ? errno : 0;
    if (batch->errnos[i]) failures++;
    value += words_of(batch->ids[i]);
  }
  return failures;
}

int registers_list(struct vcpu *vcpu, void *list) {
  return ioctl(vcpu->handle.fd, KVM_GET_REG_LIST, list) < 0 ? -errno : 0;
}

int ioctl_command(struct vcpu *vcpu, void *argument) {
  struct ioctl_call *call = argument;
  int result = ioctl(vcpu->handle.fd, call->request, call->argument);
  return result < 0 ? -errno : result;
}
