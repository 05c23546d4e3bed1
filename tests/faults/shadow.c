/* A disk, its faults and a clock under one process: LD_PRELOAD=shadow.so.
 *
 * SHADOW_ROOT     folder (real path) whose files are watched
 * SHADOW_LOG      file to which everything is noted that the process asked of these files, in the order in which it happened;
 *                 from it `tests/faults/disk_log.py` makes the disk after a power cut at any moment.  Memory maps are not noted:
 *                 what SQLite keeps in one (the -shm file) is not meant to survive.
 * SHADOW_CONTROL  file of nine 64-bit numbers, shared with whoever wants to change them while the process runs; see `enum`.
 *
 * One record: kind, length of name, length of data, offset, name, data.  Kinds: C created, W written, T cut to a length, S synced,
 * E sync failed, D folder synced, R renamed (data: the new name), U unlinked, M folder made.
 * The first write that finds the disk full still gets half of it in.
 * A file named `ledger` never fails: it is where the process notes what it was promised.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CLOCK_S, WRITE_ERRNO, WRITE_SKIP, WRITE_FAILS, SYNC_ERRNO, SYNC_SKIP, SYNC_FAILS, WRITES, SYNCS, NUMBERS };
#define FDS 4096
#define REAL(name) ((__typeof__(&name))real(#name))

static int64_t nothing[NUMBERS], *control = nothing;
static const char *root;
static size_t root_len;
static int log_fd = -1;
static char *names[FDS];
static int halved;
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
  const char *log = getenv("SHADOW_LOG"), *numbers = getenv("SHADOW_CONTROL");
  root = getenv("SHADOW_ROOT");
  root_len = root ? strlen(root) : 0;
  if (log) log_fd = REAL(open)(log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (numbers) {
    int fd = REAL(open)(numbers, O_RDWR | O_CLOEXEC);
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof nothing, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) control = at;
    if (fd >= 0) REAL(close)(fd);
  }
}

static int ours(const char *path) {
  return root_len && path && !strncmp(path, root, root_len) && (path[root_len] == '/' || !path[root_len]);
}

static const char *name_of(int fd) { return fd >= 0 && fd < FDS ? names[fd] : NULL; }

static void note(char kind, const char *name, uint64_t at, const void *data, uint32_t size) {
  struct __attribute__((packed)) { char kind; uint32_t name, data; uint64_t at; } head = {kind, strlen(name), size, at};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)name, head.name}, {(void *)data, size}};
  if (log_fd >= 0 && REAL(writev)(log_fd, parts, 3) < 0) abort();
}

/* Whether this call is one that shall fail, and how. */
static int64_t fails(int kind, const char *name) {
  const char *last = strrchr(name, '/');
  if (last && !strcmp(last, "/ledger")) return 0;
  control[kind == WRITE_ERRNO ? WRITES : SYNCS]++;
  if (!control[kind]) return 0;
  if (control[kind + 1] > 0) { control[kind + 1]--; return 0; }
  if (!control[kind + 2]) return 0;
  if (control[kind + 2] > 0) control[kind + 2]--;
  return control[kind];
}

static int opened(int fd, const char *path, int flags, int existed) {
  if (fd >= 0 && fd < FDS) {
    free(names[fd]);
    names[fd] = ours(path) ? strdup(path) : NULL;
    if (names[fd] && !existed) note('C', path, 0, "", 0);
    if (names[fd] && existed && (flags & O_TRUNC)) note('T', path, 0, "", 0);
  }
  return fd;
}

#define OPEN(function, before, arguments)                                        \
  int function(before const char *path, int flags, ...) {                        \
    va_list rest;                                                                \
    va_start(rest, flags);                                                       \
    int mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, int) : 0;          \
    va_end(rest);                                                                \
    pthread_mutex_lock(&lock);                                                   \
    int existed = ours(path) ? access(path, F_OK) == 0 : 1, error = errno;       \
    int fd = REAL(function) arguments;                                           \
    if (fd >= 0) errno = error;                                                  \
    opened(fd, path, flags, existed);                                            \
    pthread_mutex_unlock(&lock);                                                 \
    return fd;                                                                   \
  }
#define AT int folder,
OPEN(open, , (path, flags, mode))
OPEN(open64, , (path, flags, mode))
OPEN(openat, AT, (folder, path, flags, mode))
OPEN(openat64, AT, (folder, path, flags, mode))

int close(int fd) {
  pthread_mutex_lock(&lock);
  if (name_of(fd)) { free(names[fd]); names[fd] = NULL; }
  int result = REAL(close)(fd);
  pthread_mutex_unlock(&lock);
  return result;
}

static ssize_t put(int fd, const void *data, size_t size, off64_t at) {
  const char *name = name_of(fd);
  if (!name) return at < 0 ? REAL(write)(fd, data, size) : REAL(pwrite64)(fd, data, size, at);
  pthread_mutex_lock(&lock);
  int64_t error = fails(WRITE_ERRNO, name);
  if (!error) halved = 0;
  else if (error == ENOSPC && !halved && size > 512) halved = 1, error = 0, size /= 2;
  ssize_t done = -1;
  if (error) errno = (int)error;
  else {
    int end = at < 0 && (fcntl(fd, F_GETFL) & O_APPEND);
    off64_t where = at < 0 ? lseek64(fd, 0, end ? SEEK_END : SEEK_CUR) : at;
    done = at < 0 ? REAL(write)(fd, data, size) : REAL(pwrite64)(fd, data, size, at);
    if (done > 0) note('W', name, where, data, done);
  }
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t write(int fd, const void *data, size_t size) { return put(fd, data, size, -1); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return put(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return put(fd, data, size, at); }

static int cut(int fd, off64_t size) {
  pthread_mutex_lock(&lock);
  int result = REAL(ftruncate64)(fd, size);
  if (!result && name_of(fd)) note('T', name_of(fd), size, "", 0);
  pthread_mutex_unlock(&lock);
  return result;
}

int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off64_t size) { return cut(fd, size); }

/* Room for a file, which grows with zeros; tells its error by what it returns. */
static int grow(int fd, off64_t at, off64_t size) {
  const char *name = name_of(fd);
  if (!name) return REAL(posix_fallocate64)(fd, at, size);
  pthread_mutex_lock(&lock);
  struct stat before;
  int error = (int)fails(WRITE_ERRNO, name);
  if (!error && fstat(fd, &before)) error = errno;
  if (!error) error = REAL(posix_fallocate64)(fd, at, size);
  if (!error && at + size > before.st_size) note('T', name, at + size, "", 0);
  pthread_mutex_unlock(&lock);
  return error;
}

int posix_fallocate(int fd, off_t at, off_t size) { return grow(fd, at, size); }
int posix_fallocate64(int fd, off64_t at, off64_t size) { return grow(fd, at, size); }

static int flush(int fd, int (*really)(int)) {
  const char *name = name_of(fd);
  if (!name) return really(fd);
  pthread_mutex_lock(&lock);
  struct stat about;
  int folder = !fstat(fd, &about) && S_ISDIR(about.st_mode);
  int64_t error = fails(SYNC_ERRNO, name);
  /* What is on the medium is decided by whoever reads the log; where there is one, nobody needs to wait for the real one. */
  int result = error ? -1 : log_fd >= 0 ? 0 : really(fd);
  note(result ? 'E' : folder ? 'D' : 'S', name, 0, "", 0);
  if (error) errno = (int)error;
  pthread_mutex_unlock(&lock);
  return result;
}

int fsync(int fd) { return flush(fd, REAL(fsync)); }
int fdatasync(int fd) { return flush(fd, REAL(fdatasync)); }

int rename(const char *from, const char *to) {
  pthread_mutex_lock(&lock);
  int result = REAL(rename)(from, to);
  if (!result && ours(from) && ours(to)) note('R', from, 0, to, strlen(to));
  pthread_mutex_unlock(&lock);
  return result;
}

#define NAMED(function, declared, arguments, kind)                     \
  int function declared {                                              \
    pthread_mutex_lock(&lock);                                         \
    int result = REAL(function) arguments;                             \
    if (!result && ours(path)) note(kind, path, 0, "", 0);             \
    pthread_mutex_unlock(&lock);                                       \
    return result;                                                     \
  }
NAMED(unlink, (const char *path), (path), 'U')
NAMED(mkdir, (const char *path, mode_t mode), (path, mode), 'M')

/* The wall clock alone is moved; the clocks that count from the start of the machine stay. */
int clock_gettime(clockid_t which, struct timespec *now) {
  int result = REAL(clock_gettime)(which, now);
  if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE) now->tv_sec += control[CLOCK_S];
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (at) *at = exact.tv_sec;
  return exact.tv_sec;
}
