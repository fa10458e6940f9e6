// QuickJS as a guest of Extism: the input is a folder and a program, which runs as `node -e` would run it there.
//
// Functions of the host's kind are few and plain; prelude.js makes of them what programs expect.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../extism.h"
#include "prelude.h"
#include "quickjs.h"

KERNEL("input_length") uint64_t input_length(void);
KERNEL("input_load_u8") uint32_t input_load_u8(uint64_t at);
KERNEL("input_load_u64") uint64_t input_load_u64(uint64_t at);

enum { STACK = 224 * 1024 };  // bytes of the module's 2 MiB that calls may use: the runtime's own stack is used up soon after

typedef JSValue native(JSContext *, JSValueConst, int, JSValueConst *);

static JSValue failed(JSContext *context, const char *path) {
  JSValue error = JS_NewError(context);
  char text[512];
  snprintf(text, sizeof text, "%s: %s", strerror(errno), path ? path : "");
  JS_DefinePropertyValueStr(context, error, "message", JS_NewString(context, text), JS_PROP_C_W_E);
  const char *code = errno == ENOENT ? "ENOENT" : errno == EEXIST ? "EEXIST" : errno == EISDIR ? "EISDIR" : "EACCES";
  JS_DefinePropertyValueStr(context, error, "code", JS_NewString(context, code), JS_PROP_C_W_E);
  return JS_Throw(context, error);
}

static JSValue js_write_out(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  int32_t stream = 1;
  size_t size;
  if (JS_ToInt32(context, &stream, values[0])) return JS_EXCEPTION;
  const char *text = JS_ToCStringLen(context, &size, values[1]);
  if (!text) return JS_EXCEPTION;
  output(stream == 2 ? 2 : 1, (const uint8_t *)text, size);
  JS_FreeCString(context, text);
  return JS_UNDEFINED;
}

static void free_bytes(JSRuntime *runtime, void *opaque, void *bytes) { free(bytes); }

static JSValue js_read(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  const char *path = JS_ToCString(context, values[0]);
  if (!path) return JS_EXCEPTION;
  FILE *file = fopen(path, "rb");
  JSValue result = file ? JS_UNDEFINED : failed(context, path);
  JS_FreeCString(context, path);
  if (!file) return result;
  uint8_t *bytes = NULL;
  size_t size = 0, room = 0, got;
  do {
    if (room - size < 65536) {
      uint8_t *larger = realloc(bytes, room = room * 2 + 65536);
      if (!larger) {
        free(bytes);
        fclose(file);
        return JS_ThrowOutOfMemory(context);
      }
      bytes = larger;
    }
    got = fread(bytes + size, 1, room - size, file);
    size += got;
  } while (got);
  int broken = ferror(file);
  fclose(file);
  if (broken) {
    free(bytes);
    return failed(context, "reading");
  }
  return JS_NewArrayBuffer(context, bytes, size, free_bytes, NULL, 0);
}

static JSValue put(JSContext *context, JSValueConst *values, const void *bytes, size_t size) {
  const char *path = JS_ToCString(context, values[0]);
  int append = JS_ToBool(context, values[2]);
  if (!path) return JS_EXCEPTION;
  FILE *file = fopen(path, append ? "ab" : "wb");
  int whole = file && fwrite(bytes, 1, size, file) == size;
  JSValue result = file && !fclose(file) && whole ? JS_UNDEFINED : failed(context, path);
  JS_FreeCString(context, path);
  return result;
}

static JSValue js_write(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  size_t size;
  if (!JS_IsString(values[1])) {
    uint8_t *bytes = JS_GetArrayBuffer(context, &size, values[1]);
    return bytes || size == 0 ? put(context, values, bytes, size) : JS_EXCEPTION;
  }
  const char *text = JS_ToCStringLen(context, &size, values[1]);
  if (!text) return JS_EXCEPTION;
  JSValue result = put(context, values, text, size);
  JS_FreeCString(context, text);
  return result;
}

static JSValue js_list(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  const char *path = JS_ToCString(context, values[0]);
  if (!path) return JS_EXCEPTION;
  DIR *folder = opendir(path);
  JSValue result = folder ? JS_NewArray(context) : failed(context, path);
  JS_FreeCString(context, path);
  struct dirent *entry;
  uint32_t at = 0;
  while (folder && (entry = readdir(folder)))
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
      JS_SetPropertyUint32(context, result, at++, JS_NewString(context, entry->d_name));
  if (folder) closedir(folder);
  return result;
}

static JSValue js_about(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  const char *path = JS_ToCString(context, values[0]);
  if (!path) return JS_EXCEPTION;
  struct stat about;
  JSValue result = JS_UNDEFINED;
  if (stat(path, &about)) {
    result = failed(context, path);
  } else {
    result = JS_NewObject(context);
    JS_SetPropertyStr(context, result, "folder", JS_NewBool(context, S_ISDIR(about.st_mode)));
    JS_SetPropertyStr(context, result, "size", JS_NewInt64(context, about.st_size));
    JS_SetPropertyStr(context, result, "changed", JS_NewFloat64(context, about.st_mtim.tv_sec * 1e3 + about.st_mtim.tv_nsec / 1e6));
  }
  JS_FreeCString(context, path);
  return result;
}

static JSValue done(JSContext *context, JSValueConst *values, int (*act)(const char *)) {
  const char *path = JS_ToCString(context, values[0]);
  if (!path) return JS_EXCEPTION;
  JSValue result = act(path) ? failed(context, path) : JS_UNDEFINED;
  JS_FreeCString(context, path);
  return result;
}

static int make_folder(const char *path) { return mkdir(path, 0777); }

static JSValue js_mkdir(JSContext *context, JSValueConst self, int count, JSValueConst *values) { return done(context, values, make_folder); }
static JSValue js_unlink(JSContext *context, JSValueConst self, int count, JSValueConst *values) { return done(context, values, unlink); }
static JSValue js_rmdir(JSContext *context, JSValueConst self, int count, JSValueConst *values) { return done(context, values, rmdir); }

static JSValue js_rename(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  const char *from = JS_ToCString(context, values[0]), *to = JS_ToCString(context, values[1]);
  JSValue result = !from || !to ? JS_EXCEPTION : rename(from, to) ? failed(context, from) : JS_UNDEFINED;
  JS_FreeCString(context, from);
  JS_FreeCString(context, to);
  return result;
}

static JSValue js_exit(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  int32_t code = 0;
  JS_ToInt32(context, &code, values[0]);
  host_exited(code & 0xff);
  _exit(0);
}

static JSValue js_sleep(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  double ms = 0;
  if (JS_ToFloat64(context, &ms, values[0])) return JS_EXCEPTION;
  struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms * 1e6) % 1000000000};
  if (ms > 0) nanosleep(&pause, NULL);
  return JS_UNDEFINED;
}

static const struct { const char *name; native *function; int count; } NATIVES[] = {
    {"out", js_write_out, 2}, {"read", js_read, 1},     {"write", js_write, 3}, {"list", js_list, 1},
    {"about", js_about, 1},   {"mkdir", js_mkdir, 1},   {"unlink", js_unlink, 1}, {"rmdir", js_rmdir, 1},
    {"rename", js_rename, 2}, {"exit", js_exit, 1},     {"sleep", js_sleep, 1},
};

static void show_error(JSContext *context) {
  JSValue error = JS_GetException(context);
  const char *text = JS_ToCString(context, error);
  if (text) output(2, (const uint8_t *)text, strlen(text)), output(2, (const uint8_t *)"\n", 1);
  JS_FreeCString(context, text);
  JSValue stack = JS_IsError(context, error) ? JS_GetPropertyStr(context, error, "stack") : JS_UNDEFINED;
  const char *lines = JS_IsString(stack) ? JS_ToCString(context, stack) : NULL;
  if (lines) output(2, (const uint8_t *)lines, strlen(lines)), JS_FreeCString(context, lines);
  JS_FreeValue(context, stack);
  JS_FreeValue(context, error);
}

static int settle(JSRuntime *runtime) {
  JSContext *context;
  int more;
  while ((more = JS_ExecutePendingJob(runtime, &context)) > 0) continue;
  if (more < 0) show_error(context);
  return more < 0;
}

static int evaluate(JSContext *context, const char *text, size_t size, const char *name) {
  JSValue value = JS_Eval(context, text, size, name, JS_EVAL_TYPE_GLOBAL);
  int broken = JS_IsException(value);
  if (broken) show_error(context);
  JS_FreeValue(context, value);
  return broken;
}

// Wait for timers, one after the other, until there are none; the prelude's function says whether there was one.
static int run_timers(JSContext *context) {
  JSRuntime *runtime = JS_GetRuntime(context);
  JSValue global = JS_GetGlobalObject(context), tick = JS_GetPropertyStr(context, global, "__tick");
  int more = 1, broken = 0;
  while (more && !(broken = settle(runtime))) {
    JSValue said = JS_Call(context, tick, JS_UNDEFINED, 0, NULL);
    if ((broken = JS_IsException(said))) show_error(context);
    more = !broken && JS_ToBool(context, said);
    JS_FreeValue(context, said);
    if (broken) break;
  }
  JS_FreeValue(context, tick);
  JS_FreeValue(context, global);
  return broken;
}

static void give_natives(JSContext *context) {
  JSValue global = JS_GetGlobalObject(context), natives = JS_NewObject(context);
  for (size_t i = 0; i < sizeof NATIVES / sizeof *NATIVES; i++)
    JS_SetPropertyStr(context, natives, NATIVES[i].name,
                      JS_NewCFunction(context, NATIVES[i].function, NATIVES[i].name, NATIVES[i].count));
  JS_SetPropertyStr(context, global, "__natives", natives);
  JS_FreeValue(context, global);
}

static char *take_input(size_t *size) {
  *size = input_length();
  char *text = malloc(*size + 1);
  if (!text) abort();
  size_t at = 0;
  for (; at + 8 <= *size; at += 8) *(unaligned_u64 *)(text + at) = input_load_u64(at);
  for (; at < *size; at++) text[at] = input_load_u8(at);
  text[*size] = 0;
  return text;
}

// The input is the path of a folder, a zero byte, and the program.
__attribute__((export_name("run"))) int run(void) {
  size_t size;
  char *folder = take_input(&size), *program = folder + strlen(folder) + 1;
  if (program > folder + size || chdir(folder)) abort();
  setenv("PWD", folder, 1);
  JSRuntime *runtime = JS_NewRuntime();
  JS_SetMaxStackSize(runtime, STACK);
  JSContext *context = JS_NewContext(runtime);
  give_natives(context);
  JSValue global = JS_GetGlobalObject(context);
  JS_SetPropertyStr(context, global, "__folder", JS_NewString(context, folder));
  JS_FreeValue(context, global);
  int broken = evaluate(context, (const char *)PRELUDE, sizeof PRELUDE - 1, "<prelude>");
  broken = broken || evaluate(context, program, folder + size - program, "<program>") || run_timers(context);
  host_exited(broken);
  return 0;
}
