// The layer between CPython and WASI: merged into the module, it takes the place of the WASI functions below.
//
// Extism gives a guest no arguments, no environment and no standard streams. Here arguments and environment are
// constants; what is written to stdout and stderr goes to the host as it comes; stdin is empty. A file with a name
// that nobody else has is the way to the host: what is written to it is a request, what is then read is the answer.
// Links cannot be made: one could lead a program of the host out of the workspace.
#include "../extism.h"

HOST("exchange") uint64_t host_exchange(uint64_t block);

#define WASI(name) IMPORT("wasi_real", name)
#define REPLACES(name) __attribute__((export_name(name), used))

typedef uint16_t status;
typedef struct { uint32_t bytes, size; } piece;

WASI("fd_read") status real_read(uint32_t file, const piece *pieces, uint32_t count, uint32_t *done);
WASI("fd_write") status real_write(uint32_t file, const piece *pieces, uint32_t count, uint32_t *done);
WASI("fd_close") status real_close(uint32_t file);
WASI("fd_seek") status real_seek(uint32_t file, int64_t by, uint32_t from, uint64_t *at);
WASI("fd_fdstat_get") status real_state(uint32_t file, uint8_t *state);
WASI("fd_filestat_get") status real_about(uint32_t file, uint64_t *about);
WASI("path_open")
status real_open(uint32_t folder, uint32_t follow, const uint8_t *path, uint32_t size, uint32_t how, uint64_t rights,
                 uint64_t inherited, uint32_t flags, uint32_t *file);
WASI("proc_exit") _Noreturn void real_exit(uint32_t code);
IMPORT("env", "_start") void python_start(void);

enum { NOT_SUPPORTED = 58, NOT_PERMITTED = 63, NO_SEEKING = 70 };  // errno of WASI
enum { CHARACTER_DEVICE = 2 };
enum { MAY_READ = 1 << 1, MAY_WRITE = 1 << 6, MAY_STAT = 1 << 21, MAY_POLL = 1 << 27 };
enum { CHANNEL = 0x40000000 };  // the file that leads to the host; real ones are numbered from 0

static const char CHANNEL_NAME[] = ".baara-channel";
static const char *const ARGUMENTS[] = {"python", "-B", "-c", "import baara_session"};
static const char *const ENVIRONMENT[] = {
    "PYTHONHOME=/lib/python", "PYTHONPATH=/lib/baara/python313.zip", "PYTHONPLATLIBDIR=lib",
    "PYTHON_COLORS=0",        "PYTHONUTF8=1",                        "PYTHONHASHSEED=random",
};
#define COUNT(list) (sizeof(list) / sizeof *(list))

static uint8_t *request, *answer;
static uint32_t request_size, request_room, answer_size, answer_room, answer_at;
static int answered;

static uint8_t *memory(uint32_t address) { return (uint8_t *)(uintptr_t)address; }

static void copy(uint8_t *to, const uint8_t *from, uint32_t size) {
  while (size--) *to++ = *from++;
}

static uint32_t length(const char *text) {
  uint32_t size = 0;
  while (text[size]) size++;
  return size;
}

static uint8_t *more_memory(uint32_t size) {
  uint32_t page = __builtin_wasm_memory_grow(0, (size + 65535) >> 16);
  if (page == UINT32_MAX) __builtin_trap();
  return memory(page << 16);
}

REPLACES("run") uint32_t run(void) {
  python_start();
  host_exited(0);
  return 0;
}

REPLACES("proc_exit") _Noreturn void proc_exit(uint32_t code) {
  host_exited(code);
  real_exit(0);
}

static status sizes(const char *const *list, uint32_t count, uint32_t *number, uint32_t *bytes) {
  *number = count;
  *bytes = 0;
  for (uint32_t i = 0; i < count; i++) *bytes += length(list[i]) + 1;
  return 0;
}

static status texts(const char *const *list, uint32_t count, uint32_t *pointers, uint8_t *to) {
  for (uint32_t i = 0; i < count; i++) {
    uint32_t size = length(list[i]) + 1;
    pointers[i] = (uint32_t)(uintptr_t)to;
    copy(to, (const uint8_t *)list[i], size);
    to += size;
  }
  return 0;
}

REPLACES("args_sizes_get") status args_sizes_get(uint32_t *n, uint32_t *b) { return sizes(ARGUMENTS, COUNT(ARGUMENTS), n, b); }
REPLACES("args_get") status args_get(uint32_t *p, uint8_t *b) { return texts(ARGUMENTS, COUNT(ARGUMENTS), p, b); }
REPLACES("environ_sizes_get") status environ_sizes_get(uint32_t *n, uint32_t *b) { return sizes(ENVIRONMENT, COUNT(ENVIRONMENT), n, b); }
REPLACES("environ_get") status environ_get(uint32_t *p, uint8_t *b) { return texts(ENVIRONMENT, COUNT(ENVIRONMENT), p, b); }

static void forget_exchange(void) {
  answered = 0;
  request_size = answer_size = answer_at = 0;
}

static void add_to_request(const uint8_t *bytes, uint32_t size) {
  if (answered) forget_exchange();
  if (request_size + size > request_room) {
    uint32_t room = (request_size + size) * 2 + 65536;
    uint8_t *larger = more_memory(room);
    copy(larger, request, request_size);
    request = larger;
    request_room = room;
  }
  copy(request + request_size, bytes, size);
  request_size += size;
}

static void exchange(void) {
  uint64_t asked = to_host(request, request_size), said = host_exchange(asked);
  kernel_free(asked);
  answered = 1;
  answer_at = 0;
  answer_size = said ? kernel_length(said) : 0;
  if (answer_size > answer_room) {
    answer_room = answer_size * 2 + 65536;
    answer = more_memory(answer_room);
  }
  uint32_t at = 0;
  for (; at + 8 <= answer_size; at += 8) *(unaligned_u64 *)(answer + at) = kernel_load_u64(said + at);
  for (; at < answer_size; at++) answer[at] = kernel_load_u8(said + at);
  if (said) kernel_free(said);
}

static int ours(uint32_t file) { return file <= 2 || file == CHANNEL; }

REPLACES("fd_write") status fd_write(uint32_t file, const piece *pieces, uint32_t count, uint32_t *done) {
  if (!ours(file) || file == 0) return real_write(file, pieces, count, done);
  *done = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (file == CHANNEL) add_to_request(memory(pieces[i].bytes), pieces[i].size);
    else output(file, memory(pieces[i].bytes), pieces[i].size);
    *done += pieces[i].size;
  }
  return 0;
}

REPLACES("fd_read") status fd_read(uint32_t file, const piece *pieces, uint32_t count, uint32_t *done) {
  if (!ours(file)) return real_read(file, pieces, count, done);
  *done = 0;
  if (file != CHANNEL) return 0;
  if (!answered) exchange();
  for (uint32_t i = 0; i < count && answer_at < answer_size; i++) {
    uint32_t size = answer_size - answer_at;
    if (size > pieces[i].size) size = pieces[i].size;
    copy(memory(pieces[i].bytes), answer + answer_at, size);
    answer_at += size;
    *done += size;
  }
  return 0;
}

REPLACES("fd_close") status fd_close(uint32_t file) {
  if (file == CHANNEL) forget_exchange();
  return ours(file) ? 0 : real_close(file);
}

REPLACES("fd_seek") status fd_seek(uint32_t file, int64_t by, uint32_t from, uint64_t *at) {
  return ours(file) ? NO_SEEKING : real_seek(file, by, from, at);
}

REPLACES("fd_fdstat_get") status fd_fdstat_get(uint32_t file, uint8_t *state) {
  if (!ours(file)) return real_state(file, state);
  for (uint32_t i = 0; i < 24; i++) state[i] = 0;
  state[0] = CHARACTER_DEVICE;
  *(unaligned_u64 *)(state + 8) = MAY_READ | MAY_WRITE | MAY_STAT | MAY_POLL;
  return 0;
}

REPLACES("fd_filestat_get") status fd_filestat_get(uint32_t file, uint64_t *about) {
  if (!ours(file)) return real_about(file, about);
  for (uint32_t i = 0; i < 8; i++) about[i] = 0;
  ((uint8_t *)about)[16] = CHARACTER_DEVICE;
  return 0;
}

static int is_channel(const uint8_t *path, uint32_t size) {
  uint32_t named = sizeof CHANNEL_NAME - 1;
  if (size < named || (size > named && path[size - named - 1] != '/')) return 0;
  for (uint32_t i = 0; i < named; i++)
    if (path[size - named + i] != (uint8_t)CHANNEL_NAME[i]) return 0;
  return 1;
}

REPLACES("path_open")
status path_open(uint32_t folder, uint32_t follow, const uint8_t *path, uint32_t size, uint32_t how, uint64_t rights,
                 uint64_t inherited, uint32_t flags, uint32_t *file) {
  if (!is_channel(path, size)) return real_open(folder, follow, path, size, how, rights, inherited, flags, file);
  forget_exchange();
  *file = CHANNEL;
  return 0;
}

REPLACES("path_symlink") status path_symlink(const uint8_t *to, uint32_t n, uint32_t folder, const uint8_t *path, uint32_t m) {
  return NOT_PERMITTED;
}
REPLACES("path_link")
status path_link(uint32_t a, uint32_t follow, const uint8_t *from, uint32_t n, uint32_t b, const uint8_t *to, uint32_t m) {
  return NOT_PERMITTED;
}
REPLACES("fd_allocate") status fd_allocate(uint32_t file, uint64_t at, uint64_t size) { return NOT_SUPPORTED; }
