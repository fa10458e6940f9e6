// What CPython asks of a C library and zig's one for WASI lacks, or does wrong.
#include <stddef.h>

// With one thread there is no list of threads, through which the library's own function would walk without end.
int baara_pthread_key_delete(unsigned key) {
  (void)key;
  return 0;
}

// The headers declare these; there is no network to look anything up in.
static int no_recovery = 3;
int *__h_errno_location(void) { return &no_recovery; }
const char *hstrerror(int code) {
  (void)code;
  return "there is no network in the sandbox";
}
void *gethostbyname(const char *name) { return (void)name, NULL; }
void *gethostbyaddr(const void *address, unsigned size, int kind) { return (void)address, (void)size, (void)kind, NULL; }
void *getservbyname(const char *name, const char *protocol) { return (void)name, (void)protocol, NULL; }
void *getservbyport(int port, const char *protocol) { return (void)port, (void)protocol, NULL; }
void *getprotobyname(const char *name) { return (void)name, NULL; }
