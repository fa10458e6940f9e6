// What both guests need of Extism: copying bytes to and from the host's memory, and the host's own functions.
#pragma once
#include <stdint.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define KERNEL(name) IMPORT("extism:host/env", name)
#define HOST(name) IMPORT("extism:host/user", name)

KERNEL("alloc") uint64_t kernel_alloc(uint64_t size);
KERNEL("free") void kernel_free(uint64_t block);
KERNEL("length") uint64_t kernel_length(uint64_t block);
KERNEL("store_u8") void kernel_store_u8(uint64_t at, uint32_t value);
KERNEL("store_u64") void kernel_store_u64(uint64_t at, uint64_t value);
KERNEL("load_u8") uint32_t kernel_load_u8(uint64_t at);
KERNEL("load_u64") uint64_t kernel_load_u64(uint64_t at);

// output: bytes for stdout (1) or stderr (2). exited: the exit status. exchange: a request, and its answer or 0.
HOST("output") void host_output(uint64_t stream, uint64_t block);
HOST("exited") void host_exited(uint64_t status);

typedef uint64_t __attribute__((aligned(1), may_alias)) unaligned_u64;

// Extism's memory is reached by calls alone, so eight bytes are moved at once.
static uint64_t to_host(const uint8_t *bytes, uint32_t size) {
  uint64_t block = kernel_alloc(size);
  uint32_t at = 0;
  for (; at + 8 <= size; at += 8) kernel_store_u64(block + at, *(const unaligned_u64 *)(bytes + at));
  for (; at < size; at++) kernel_store_u8(block + at, bytes[at]);
  return block;
}

static void output(uint32_t stream, const uint8_t *bytes, uint32_t size) {
  if (size == 0) return;
  uint64_t block = to_host(bytes, size);
  host_output(stream, block);
  kernel_free(block);
}
