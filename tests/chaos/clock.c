/* Another wall clock for one process: real time plus what CHAOS_CLOCK's file says ("seconds rate"), read once a tenth of
 * a second. Preloaded by clocks.py. The running time (CLOCK_MONOTONIC) stays as it is, as when somebody sets a clock; a
 * wait until a moment of the wall clock ends when that clock shows it, as it would then. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 100000000LL
#define SECOND_NS 1000000000LL
/* Moments before this are no moments of the wall clock: a wait by the running time uses the same call. */
#define EPOCH_S 1000000000LL

static volatile long long looked_ns, shift_ns;

static long long real_ns(clockid_t clock) {
    struct timespec at;
    syscall(SYS_clock_gettime, clock, &at);
    return at.tv_sec * SECOND_NS + at.tv_nsec;
}

static long long shifted(void) {
    long long now = real_ns(CLOCK_MONOTONIC);
    if (now - looked_ns > LOOK_NS) {
        double seconds = 0, rate = 0, since = 0;
        const char *path = getenv("CHAOS_CLOCK");
        FILE *file = path ? fopen(path, "re") : NULL;
        looked_ns = now;
        if (file) {
            if (fscanf(file, "%lf %lf %lf", &seconds, &rate, &since) == 3)
                shift_ns = (long long)((seconds + rate * (real_ns(CLOCK_REALTIME) / 1e9 - since)) * 1e9);
            fclose(file);
        }
    }
    return shift_ns;
}

static struct timespec moved(struct timespec at, long long by_ns) {
    long long ns = at.tv_sec * SECOND_NS + at.tv_nsec + by_ns;
    at.tv_sec = ns / SECOND_NS;
    at.tv_nsec = ns % SECOND_NS;
    return at;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int failed = syscall(SYS_clock_gettime, clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) *at = moved(*at, shifted());
    return failed;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *at, int base) {
    return clock_gettime(CLOCK_REALTIME, at) ? 0 : base;
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until) {
    static int (*next)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    struct timespec at = until->tv_sec > EPOCH_S ? moved(*until, -shifted()) : *until;
    if (!next) next = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    return next(cond, mutex, &at);
}

int cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *until) {
    static int (*next)(cnd_t *, mtx_t *, const struct timespec *);
    struct timespec at = moved(*until, -shifted());
    if (!next) next = dlsym(RTLD_NEXT, "cnd_timedwait");
    return next(cond, mutex, &at);
}

int sem_timedwait(sem_t *sem, const struct timespec *until) {
    static int (*next)(sem_t *, const struct timespec *);
    struct timespec at = moved(*until, -shifted());
    if (!next) next = dlsym(RTLD_NEXT, "sem_timedwait");
    return next(sem, &at);
}
