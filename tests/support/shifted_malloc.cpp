// Loaded before the C library, it moves every block that malloc hands out by ESPALIER_SHIFT bytes, a multiple
// of 16, from a boundary of 64: no result may depend on where memory lies. Made for the C library of Linux.

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

extern "C" void* __libc_memalign(std::size_t alignment, std::size_t bytes);
extern "C" void __libc_free(void* block);

namespace {

constexpr std::size_t kLine = 64;

/// Stands before every block.
struct Header {
  void* whole;
  std::size_t bytes;
};
static_assert(sizeof(Header) == 16);

std::size_t shift() {
  static const std::size_t bytes = [] {
    const char* text = getenv("ESPALIER_SHIFT");
    return text ? static_cast<std::size_t>(std::atoi(text)) % kLine : 0;
  }();
  return bytes;
}

Header& header_of(void* block) {
  return static_cast<Header*>(block)[-1];
}

/// A block whose address is `more` beyond a multiple of `alignment`.
void* take(std::size_t alignment, std::size_t more, std::size_t bytes) {
  if (bytes > SIZE_MAX / 2) {
    errno = ENOMEM;
    return nullptr;
  }
  char* whole = static_cast<char*>(__libc_memalign(alignment, bytes + more + alignment));
  if (whole == nullptr) return nullptr;
  void* block = whole + alignment + more;
  header_of(block) = {whole, bytes};
  return block;
}

}  // namespace

extern "C" {

void* malloc(std::size_t bytes) {
  return take(kLine, shift(), bytes);
}
void free(void* block) {
  if (block) __libc_free(header_of(block).whole);
}
void* calloc(std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* block = malloc(bytes);
  return block ? std::memset(block, 0, bytes) : nullptr;
}
void* realloc(void* block, std::size_t bytes) {
  void* other = malloc(bytes);
  if (other && block) {
    std::memcpy(other, block, header_of(block).bytes < bytes ? header_of(block).bytes : bytes);
    free(block);
  }
  return other;
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return take(alignment < kLine ? kLine : alignment, 0, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  return aligned_alloc(alignment, bytes);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
  *block = aligned_alloc(alignment, bytes);
  return *block ? 0 : ENOMEM;
}
std::size_t malloc_usable_size(void* block) {
  return block ? header_of(block).bytes : 0;
}
}
