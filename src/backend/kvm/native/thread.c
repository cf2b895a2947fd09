/* One thread for each vCPU: all of its ioctls are made there, and KVM_RUN never holds up JavaScript. */
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>

#include "kvm.h"

/* These moved from libpthread to libc in glibc 2.34. Their first versions are in both, so older systems can load us. */
#ifdef __aarch64__
__asm__(".symver pthread_create, pthread_create@GLIBC_2.17");
__asm__(".symver pthread_join, pthread_join@GLIBC_2.17");
__asm__(".symver pthread_kill, pthread_kill@GLIBC_2.17");
__asm__(".symver pthread_sigmask, pthread_sigmask@GLIBC_2.17");
__asm__(".symver pthread_condattr_setclock, pthread_condattr_setclock@GLIBC_2.17");
#endif

static int kick_signal;

/* The signal only has to be delivered: KVM_RUN ends with EINTR. */
static void on_kick(int number) { (void)number; }

bool threads_prepare(void) {
  if (kick_signal) return true;
  for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
    struct sigaction present;
    if (sigaction(number, NULL, &present) < 0 || present.sa_handler != SIG_DFL) continue;
    /* Without SA_RESTART. */
    struct sigaction action = {.sa_handler = on_kick};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, &action, NULL) < 0) continue;
    kick_signal = number;
    return true;
  }
  return false;
}

static void *body(void *argument) {
  struct vcpu *vcpu = argument;
  sigset_t kick;
  sigemptyset(&kick);
  sigaddset(&kick, kick_signal);
  pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
  prctl(PR_SET_NAME, "vcpu", 0, 0, 0);

  pthread_mutex_lock(&vcpu->mutex);
  while (!vcpu->ending) {
    if (!vcpu->command) {
      pthread_cond_wait(&vcpu->posted, &vcpu->mutex);
      continue;
    }
    vcpu_command command = vcpu->command;
    void *context = vcpu->argument;
    pthread_mutex_unlock(&vcpu->mutex);
    int result = command(vcpu, context);
    pthread_mutex_lock(&vcpu->mutex);
    vcpu->command = NULL;
    vcpu->result = result;
    /* SAFETY: `announce` lives until this thread is joined; it takes no lock of ours and does not wait. */
    if (vcpu->abandoned && !vcpu->ending) vcpu->announce(vcpu->announce_context);
    vcpu->abandoned = false;
    pthread_cond_signal(&vcpu->done);
  }
  pthread_mutex_unlock(&vcpu->mutex);
  return NULL;
}

int thread_start(struct vcpu *vcpu) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_mutex_init(&vcpu->mutex, NULL);
  pthread_cond_init(&vcpu->posted, NULL);
  pthread_cond_init(&vcpu->done, &attributes);
  pthread_condattr_destroy(&attributes);
  /* The thread inherits the mask: no signal of the process is handled there. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&vcpu->thread, NULL, body, vcpu);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  vcpu->has_thread = error == 0;
  return error;
}

/* With the lock held. */
static void kick(struct vcpu *vcpu) {
  __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
  if (vcpu->command) pthread_kill(vcpu->thread, kick_signal);
}

void thread_stop(struct vcpu *vcpu) {
  if (!vcpu->has_thread) return;
  pthread_mutex_lock(&vcpu->mutex);
  vcpu->ending = true;
  kick(vcpu);
  pthread_cond_signal(&vcpu->posted);
  pthread_mutex_unlock(&vcpu->mutex);
  pthread_join(vcpu->thread, NULL);
  vcpu->has_thread = false;
  pthread_cond_destroy(&vcpu->done);
  pthread_cond_destroy(&vcpu->posted);
  pthread_mutex_destroy(&vcpu->mutex);
}

/* With the lock held. */
static bool post(struct vcpu *vcpu, vcpu_command command, void *argument) {
  if (vcpu->command || vcpu->ending) return false;
  vcpu->command = command;
  vcpu->argument = argument;
  pthread_cond_signal(&vcpu->posted);
  return true;
}

int thread_execute(struct vcpu *vcpu, vcpu_command command, void *argument) {
  if (!vcpu->has_thread) return -ENODEV;
  pthread_mutex_lock(&vcpu->mutex);
  int result = -EBUSY;
  if (post(vcpu, command, argument)) {
    while (vcpu->command) pthread_cond_wait(&vcpu->done, &vcpu->mutex);
    result = vcpu->result;
  }
  pthread_mutex_unlock(&vcpu->mutex);
  return result;
}

bool thread_is_busy(struct vcpu *vcpu) {
  if (!vcpu->has_thread) return true;
  pthread_mutex_lock(&vcpu->mutex);
  bool busy = vcpu->command != NULL;
  pthread_mutex_unlock(&vcpu->mutex);
  return busy;
}

static int run(struct vcpu *vcpu, void *argument) {
  (void)argument;
  int result = ioctl(vcpu->handle.fd, KVM_RUN, 0) < 0 ? -errno : 0;
  if (result != -EINTR) return result;
  /* The kick is answered. One that comes from here on is for the next run. */
  pthread_mutex_lock(&vcpu->mutex);
  if (!vcpu->ending) __atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock(&vcpu->mutex);
  return result;
}

bool thread_run(struct vcpu *vcpu, long microseconds, int *result) {
  if (!vcpu->has_thread) {
    *result = -ENODEV;
    return true;
  }
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_nsec += microseconds * 1000;
  end.tv_sec += end.tv_nsec / 1000000000;
  end.tv_nsec %= 1000000000;
  pthread_mutex_lock(&vcpu->mutex);
  bool done = true;
  *result = -EBUSY;
  if (post(vcpu, run, NULL)) {
    int error = 0;
    while (vcpu->command && error != ETIMEDOUT) error = pthread_cond_timedwait(&vcpu->done, &vcpu->mutex, &end);
    done = !vcpu->command;
    if (done) *result = vcpu->result;
    else vcpu->abandoned = true;
  }
  pthread_mutex_unlock(&vcpu->mutex);
  return done;
}

void thread_kick(struct vcpu *vcpu) {
  if (!vcpu->has_thread) return;
  pthread_mutex_lock(&vcpu->mutex);
  kick(vcpu);
  pthread_mutex_unlock(&vcpu->mutex);
}
