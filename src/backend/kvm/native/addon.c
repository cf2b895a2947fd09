/* /dev/kvm for JavaScript: ioctls by number, and no policy. What each function does is told in ../addon.ts. */
#define NAPI_VERSION 8
#include <errno.h>
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "kvm.h"

/* Bytes of struct kvm_run that JavaScript sees: from its start to the end of the reasons that arm64 has. */
enum { RUN_BYTES = 64, EXIT_REASON = offsetof(struct kvm_run, exit_reason) };
_Static_assert(offsetof(struct kvm_run, mmio.is_write) < RUN_BYTES, "an MMIO exit fits");
_Static_assert(offsetof(struct kvm_run, debug.arch.far) + 8 <= RUN_BYTES, "a debug exit fits");

enum { MOST_ARGUMENTS = 6 };

static const napi_type_tag handle_tag = {0x5d1c0e8a72b94f13, 0x9e6734b1d05fc2a8};
static const napi_type_tag memory_tag = {0x2fb07c916ae4d835, 0xc483f1d96b702e5a};

/* A vCPU's end in JavaScript: what tells that a run has ended. */
struct port {
  struct vcpu *vcpu;
  napi_threadsafe_function function;
};

/* --- arguments. Each reader answers false with an exception pending. */

static bool bad(napi_env env, const char *what) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_type_error(env, NULL, what);
  return false;
}

static bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
  size_t given = MOST_ARGUMENTS;
  if (napi_get_cb_info(env, info, &given, values, NULL, NULL) != napi_ok || given != count)
    return bad(env, "wrong number of arguments");
  return true;
}

static bool get_number(napi_env env, napi_value value, int64_t *number) {
  return napi_get_value_int64(env, value, number) == napi_ok || bad(env, "a number is expected");
}

/* JavaScript's end of a handle. */
struct wrap {
  /* NULL: closed. */
  struct handle *handle;
  struct port *port;
};

static bool get_wrap(napi_env env, napi_value value, struct wrap **wrap) {
  /* SAFETY: only objects made here carry the tag, so what is wrapped is ours. */
  bool tagged = false;
  if (napi_check_object_type_tag(env, value, &handle_tag, &tagged) != napi_ok || !tagged ||
      napi_unwrap(env, value, (void **)wrap) != napi_ok)
    return bad(env, "a handle is expected");
  return true;
}

static bool get_handle(napi_env env, napi_value value, struct handle **handle) {
  struct wrap *wrap;
  if (!get_wrap(env, value, &wrap)) return false;
  *handle = wrap->handle;
  return *handle != NULL || bad(env, "the handle is closed");
}

static bool get_kind(napi_env env, napi_value value, enum kind kind, struct handle **handle) {
  return get_handle(env, value, handle) && ((*handle)->kind == kind || bad(env, "a handle of another kind is expected"));
}

static bool get_vcpu(napi_env env, napi_value value, struct vcpu **vcpu) {
  return get_kind(env, value, KIND_VCPU, (struct handle **)vcpu);
}

/* SAFETY: pointers into arrays hold while JavaScript waits in the call: no array is detached and none is collected. */
static bool get_array(napi_env env, napi_value value, napi_typedarray_type type, void **data, size_t *length) {
  napi_typedarray_type found;
  bool is_array = false;
  if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(env, value, &found, length, data, NULL, NULL) != napi_ok || found != type)
    return bad(env, "a typed array of another kind is expected");
  return true;
}

/* --- answers */

static napi_value number(napi_env env, int64_t value) {
  napi_value result = NULL;
  napi_create_int64(env, value, &result);
  return result;
}

static void wrap_finalize(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  struct wrap *wrap = data;
  if (wrap->handle) handle_release(wrap->handle);
  free(wrap);
}

/* Takes over one use of the handle. NULL: -errno. */
static napi_value wrapped(napi_env env, struct handle *handle, struct port *port) {
  if (!handle) return number(env, -errno);
  struct wrap *wrap = malloc(sizeof *wrap);
  napi_value object = NULL;
  if (!wrap || napi_create_object(env, &object) != napi_ok ||
      napi_type_tag_object(env, object, &handle_tag) != napi_ok ||
      napi_wrap(env, object, wrap, wrap_finalize, NULL, NULL) != napi_ok) {
    free(wrap);
    handle_release(handle);
    return number(env, -ENOMEM);
  }
  *wrap = (struct wrap){.handle = handle, .port = port};
  return object;
}

/* --- functions */

static napi_value js_open(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  char path[256];
  size_t length;
  if (!arguments(env, info, 1, values)) return NULL;
  if (napi_get_value_string_utf8(env, values[0], path, sizeof path, &length) != napi_ok) {
    bad(env, "a path is expected");
    return NULL;
  }
  return wrapped(env, system_open(path), NULL);
}

static napi_value js_create_vm(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct handle *system;
  int64_t type;
  if (!arguments(env, info, 2, values) || !get_kind(env, values[0], KIND_SYSTEM, &system) ||
      !get_number(env, values[1], &type))
    return NULL;
  return wrapped(env, vm_create(system, (unsigned long)type), NULL);
}

static void memory_finalize(napi_env env, void *data, void *hint) {
  (void)env, (void)data;
  memory_release(hint);
}

static bool get_memory(napi_env env, napi_value value, struct memory **memory) {
  /* SAFETY: only ArrayBuffers made here carry the tag, and one that is not detached has its memory. */
  bool tagged = false, detached = true;
  if (napi_check_object_type_tag(env, value, &memory_tag, &tagged) != napi_ok || !tagged ||
      napi_is_detached_arraybuffer(env, value, &detached) != napi_ok || detached ||
      napi_unwrap(env, value, (void **)memory) != napi_ok)
    return bad(env, "guest memory is expected");
  return true;
}

static napi_value js_create_memory(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  int64_t size;
  if (!arguments(env, info, 1, values) || !get_number(env, values[0], &size)) return NULL;
  if (size <= 0 || size % 4096 != 0) return number(env, -EINVAL);
  struct memory *memory = memory_create((size_t)size);
  if (!memory) return number(env, -errno);
  napi_value buffer = NULL;
  /* Fails where external memory is not allowed (Electron): napi_no_external_buffers_allowed. */
  napi_status status =
      napi_create_external_arraybuffer(env, memory->data, memory->size, memory_finalize, memory, &buffer);
  if (status != napi_ok) {
    memory_release(memory);
    return number(env, status == napi_no_external_buffers_allowed ? -ENOTSUP : -ENOMEM);
  }
  if (napi_type_tag_object(env, buffer, &memory_tag) != napi_ok ||
      napi_wrap(env, buffer, memory, NULL, NULL, NULL) != napi_ok)
    return number(env, -ENOMEM);
  return buffer;
}

static napi_value js_set_memory(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct handle *vm;
  int64_t slot, address, read_only;
  struct memory *memory;
  if (!arguments(env, info, 5, values) || !get_kind(env, values[0], KIND_VM, &vm) ||
      !get_number(env, values[1], &slot) || !get_number(env, values[2], &address) ||
      !get_memory(env, values[3], &memory) || !get_number(env, values[4], &read_only))
    return NULL;
  return number(env, vm_set_memory((struct vm *)vm, (uint32_t)slot, (uint64_t)address, memory, read_only != 0));
}

static napi_value js_drop_memory(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct handle *vm;
  int64_t slot;
  if (!arguments(env, info, 2, values) || !get_kind(env, values[0], KIND_VM, &vm) || !get_number(env, values[1], &slot))
    return NULL;
  return number(env, vm_drop_memory((struct vm *)vm, (uint32_t)slot));
}

static napi_value js_clean(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct memory *memory;
  int64_t offset, length;
  if (!arguments(env, info, 3, values) || !get_memory(env, values[0], &memory) ||
      !get_number(env, values[1], &offset) || !get_number(env, values[2], &length))
    return NULL;
  /* SAFETY: cache maintenance of an address that is not mapped is a fault. */
  if (offset < 0 || length < 0 || (uint64_t)offset > memory->size || (uint64_t)length > memory->size - (uint64_t)offset) {
    bad(env, "outside the memory");
    return NULL;
  }
  char *from = (char *)memory->data + offset;
  memory_clean(from, from + length);
  return NULL;
}

static napi_value js_create_device(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct handle *vm;
  int64_t type;
  if (!arguments(env, info, 2, values) || !get_kind(env, values[0], KIND_VM, &vm) || !get_number(env, values[1], &type))
    return NULL;
  return wrapped(env, device_create(vm, (uint32_t)type), NULL);
}

/* On the vCPU's thread. The queue holds the one announcement that a run can make, so this neither waits nor fails. */
static void announce(void *context) {
  struct port *port = context;
  napi_call_threadsafe_function(port->function, NULL, napi_tsfn_nonblocking);
}

static void on_announced(napi_env env, napi_value callback, void *context, void *data) {
  (void)context, (void)data;
  /* Without env the environment is being torn down. */
  if (!env) return;
  napi_value receiver;
  if (napi_get_undefined(env, &receiver) == napi_ok) napi_call_function(env, receiver, callback, 0, NULL, NULL);
}

static void port_finalize(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  struct port *port = data;
  handle_release(&port->vcpu->handle);
  free(port);
}

/* No thread may be left that could announce anything: at the end of the environment, too. */
static void port_close(void *data) {
  struct port *port = data;
  thread_stop(port->vcpu);
  napi_release_threadsafe_function(port->function, napi_tsfn_abort);
}

/* With a use of the vCPU of its own. NULL: nothing is left of it. */
static struct port *port_create(napi_env env, struct vcpu *vcpu, napi_value callback) {
  struct port *port = malloc(sizeof *port);
  napi_value name;
  if (!port) return NULL;
  port->vcpu = vcpu;
  if (napi_create_string_utf8(env, "vCPU", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, callback, NULL, name, 1, 1, port, port_finalize, port, on_announced,
                                      &port->function) != napi_ok) {
    free(port);
    return NULL;
  }
  vcpu->handle.users++;
  vcpu->announce = announce;
  vcpu->announce_context = port;
  napi_unref_threadsafe_function(env, port->function);
  /* SAFETY: hooks run last in, first out, so the thread ends before the function that it would call. */
  napi_add_env_cleanup_hook(env, port_close, port);
  return port;
}

static napi_value js_create_vcpu(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct handle *vm;
  int64_t index;
  if (!arguments(env, info, 3, values) || !get_kind(env, values[0], KIND_VM, &vm) ||
      !get_number(env, values[1], &index))
    return NULL;
  if (!threads_prepare()) return number(env, -EAGAIN);
  int run_size = ioctl(vm->parent->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (run_size < 0) return number(env, -errno);
  struct vcpu *vcpu = vcpu_create(vm, (unsigned long)index, (size_t)run_size);
  if (!vcpu) return number(env, -errno);
  struct port *port = port_create(env, vcpu, values[2]);
  if (!port) {
    handle_release(&vcpu->handle);
    bad(env, "a function is expected");
    return NULL;
  }
  int error = thread_start(vcpu);
  napi_value result = wrapped(env, &vcpu->handle, port);
  return error ? number(env, -error) : result;
}

/* Requests whose argument holds a pointer have functions of their own, and those that make a file descriptor. */
static bool is_plain(unsigned long request) {
  switch (request) {
    case KVM_CREATE_VM:
    case KVM_CREATE_VCPU:
    case KVM_CREATE_DEVICE:
    case KVM_SET_USER_MEMORY_REGION:
    case KVM_RUN:
    case KVM_GET_REG_LIST:
    case KVM_GET_ONE_REG:
    case KVM_SET_ONE_REG:
    case KVM_GET_DEVICE_ATTR:
    case KVM_SET_DEVICE_ATTR:
    case KVM_HAS_DEVICE_ATTR:
      return false;
    default:
      return _IOC_TYPE(request) == KVMIO;
  }
}

static int call_ioctl(struct handle *handle, unsigned long request, unsigned long argument) {
  if (handle->kind == KIND_VCPU)
    return thread_execute((struct vcpu *)handle, ioctl_command, &(struct ioctl_call){request, argument});
  int result = ioctl(handle->fd, request, argument);
  return result < 0 ? -errno : result;
}

static napi_value js_ioctl(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct handle *handle;
  int64_t request, value = 0;
  void *data = NULL;
  size_t length;
  if (!arguments(env, info, 3, values) || !get_handle(env, values[0], &handle) || !get_number(env, values[1], &request))
    return NULL;
  if (!is_plain((unsigned long)request)) {
    bad(env, "this request has a function of its own");
    return NULL;
  }
  size_t size = _IOC_SIZE((unsigned long)request);
  if (size == 0 ? !get_number(env, values[2], &value) : !get_array(env, values[2], napi_uint8_array, &data, &length))
    return NULL;
  /* SAFETY: the request tells how many bytes the kernel reads and writes. */
  if (size > 0 && length < size) {
    bad(env, "the argument is too short for the request");
    return NULL;
  }
  return number(env, call_ioctl(handle, (unsigned long)request, size ? (uintptr_t)data : (unsigned long)value));
}

static napi_value js_attribute(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct handle *handle;
  int64_t request, group, attribute;
  void *data = NULL;
  size_t length = 0;
  napi_valuetype type;
  if (!arguments(env, info, 5, values) || !get_handle(env, values[0], &handle) ||
      !get_number(env, values[1], &request) || !get_number(env, values[2], &group) ||
      !get_number(env, values[3], &attribute) || napi_typeof(env, values[4], &type) != napi_ok)
    return NULL;
  if (type != napi_undefined && !get_array(env, values[4], napi_uint8_array, &data, &length)) return NULL;
  /* SAFETY: the attributes of arm64 are values of up to eight bytes. */
  if ((request != KVM_GET_DEVICE_ATTR && request != KVM_SET_DEVICE_ATTR && request != KVM_HAS_DEVICE_ATTR) ||
      (data && length < 8)) {
    bad(env, "a request for attributes, and eight bytes, are expected");
    return NULL;
  }
  struct kvm_device_attr attr = {.group = (uint32_t)group, .attr = (uint64_t)attribute, .addr = (uintptr_t)data};
  return number(env, call_ioctl(handle, (unsigned long)request, (uintptr_t)&attr));
}

static napi_value js_register_list(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct vcpu *vcpu;
  if (!arguments(env, info, 1, values) || !get_vcpu(env, values[0], &vcpu)) return NULL;
  struct kvm_reg_list none = {.n = 0};
  int result = thread_execute(vcpu, registers_list, &none);
  if (result != -E2BIG) return number(env, result);
  struct kvm_reg_list *list = malloc(sizeof *list + none.n * sizeof list->reg[0]);
  if (!list) return number(env, -ENOMEM);
  list->n = none.n;
  result = thread_execute(vcpu, registers_list, list);
  void *data;
  napi_value buffer, array = NULL;
  size_t bytes = none.n * sizeof list->reg[0];
  if (result == 0 && napi_create_arraybuffer(env, bytes, &data, &buffer) == napi_ok) {
    memcpy(data, list->reg, bytes);
    napi_create_typedarray(env, napi_biguint64_array, none.n, buffer, 0, &array);
  }
  free(list);
  return array ? array : number(env, result ? result : -ENOMEM);
}

static napi_value js_registers(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct vcpu *vcpu;
  struct register_batch batch;
  size_t writes, ids, errnos;
  int64_t count;
  if (!arguments(env, info, 6, values) || !get_vcpu(env, values[0], &vcpu) ||
      !get_array(env, values[1], napi_uint8_array, (void **)&batch.writes, &writes) ||
      !get_array(env, values[2], napi_biguint64_array, (void **)&batch.ids, &ids) ||
      !get_array(env, values[3], napi_biguint64_array, (void **)&batch.values, &batch.words) ||
      !get_array(env, values[4], napi_int32_array, (void **)&batch.errnos, &errnos) ||
      !get_number(env, values[5], &count))
    return NULL;
  batch.count = (size_t)count;
  if (count < 0 || batch.count > writes || batch.count > ids || batch.count > errnos) {
    bad(env, "the arrays are too short");
    return NULL;
  }
  return number(env, thread_execute(vcpu, registers_transfer, &batch));
}

/* struct kvm_run to JavaScript: between two runs only. */
static void show_run(struct vcpu *vcpu, uint8_t *page) { memcpy(page, vcpu->run, RUN_BYTES); }

static bool get_page(napi_env env, napi_value value, uint8_t **page) {
  size_t length;
  if (!get_array(env, value, napi_uint8_array, (void **)page, &length)) return false;
  return length >= RUN_BYTES || bad(env, "the page is too short");
}

static napi_value js_run(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct wrap *wrap;
  struct vcpu *vcpu;
  uint8_t *page;
  int64_t microseconds;
  if (!arguments(env, info, 3, values) || !get_vcpu(env, values[0], &vcpu) || !get_wrap(env, values[0], &wrap) ||
      !get_page(env, values[1], &page) || !get_number(env, values[2], &microseconds))
    return NULL;
  if (thread_is_busy(vcpu)) return number(env, -EBUSY);
  /* What the last exit asks for. `immediate_exit`, before it, is ours. */
  memcpy((uint8_t *)vcpu->run + EXIT_REASON, page + EXIT_REASON, RUN_BYTES - EXIT_REASON);
  int result;
  if (!thread_run(vcpu, (long)microseconds, &result)) {
    napi_ref_threadsafe_function(env, wrap->port->function);
    return number(env, 1);
  }
  show_run(vcpu, page);
  return number(env, result);
}

static napi_value js_exit(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct wrap *wrap;
  struct vcpu *vcpu;
  uint8_t *page;
  if (!arguments(env, info, 2, values) || !get_vcpu(env, values[0], &vcpu) || !get_wrap(env, values[0], &wrap) ||
      !get_page(env, values[1], &page))
    return NULL;
  if (thread_is_busy(vcpu)) return number(env, -EBUSY);
  napi_unref_threadsafe_function(env, wrap->port->function);
  show_run(vcpu, page);
  return number(env, vcpu->result);
}

static napi_value js_kick(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct vcpu *vcpu;
  if (arguments(env, info, 1, values) && get_vcpu(env, values[0], &vcpu)) thread_kick(vcpu);
  return NULL;
}

static napi_value js_close(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  struct wrap *wrap;
  bool is_memory = false;
  if (!arguments(env, info, 1, values)) return NULL;
  /* Detached, so that no view reaches it; then memory_finalize is called. */
  if (napi_is_arraybuffer(env, values[0], &is_memory) == napi_ok && is_memory) {
    struct memory *memory;
    if (get_memory(env, values[0], &memory)) napi_detach_arraybuffer(env, values[0]);
    return NULL;
  }
  if (!get_wrap(env, values[0], &wrap) || !wrap->handle) return NULL;
  if (wrap->port) {
    napi_remove_env_cleanup_hook(env, port_close, wrap->port);
    port_close(wrap->port);
  }
  handle_release(wrap->handle);
  wrap->handle = NULL;
  wrap->port = NULL;
  return NULL;
}

static napi_value initialise(napi_env env, napi_value exports) {
  static const struct {
    const char *name;
    napi_callback call;
  } functions[] = {
      {"open", js_open},
      {"createVm", js_create_vm},
      {"createMemory", js_create_memory},
      {"setMemory", js_set_memory},
      {"dropMemory", js_drop_memory},
      {"clean", js_clean},
      {"createDevice", js_create_device},
      {"createVcpu", js_create_vcpu},
      {"ioctl", js_ioctl},
      {"attribute", js_attribute},
      {"registerList", js_register_list},
      {"registers", js_registers},
      {"run", js_run},
      {"exit", js_exit},
      {"kick", js_kick},
      {"close", js_close},
  };
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    napi_value function;
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, functions[i].name, function) != napi_ok)
      return NULL;
  }
  return exports;
}

NAPI_MODULE(arm_gdbstub_kvm, initialise)
