#include "engine/kernels/caches.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

#include "engine/base/text.h"

namespace engine::kernels {
namespace {

constexpr Index kKilo = 1024, kMega = 1024 * kKilo;

/// Where nothing is told: what nearly every core has, and a last cache that is far.
const Caches kAssumed{{32 * kKilo, 8}, {512 * kKilo, 8}, 8 * kMega, false, "an unknown processor"};

/// Processors whose last cache is near. Measured: Zen 4 (it serves a tile of AVX-512, which takes two turns
/// of its units a vector, and one of AVX2 as well). By their design, cores around a small cache of their own
/// or on a ring: Zen to Zen 3, and Intel's client processors from Haswell on. Far, by measurement: Sapphire
/// Rapids (a mesh) and Zen 5, whose tile of whole AVX-512 vectors reads 16 bytes a cycle. Far as well: all
/// that is not listed.
struct Family {
  std::string_view vendor;
  unsigned family, first_model, last_model;
};
constexpr Family kNear[] = {
    {"AuthenticAMD", 0x17, 0x00, 0xff}, {"AuthenticAMD", 0x19, 0x00, 0xff}, {"GenuineIntel", 6, 0x3c, 0x3d},
    {"GenuineIntel", 6, 0x45, 0x47},    {"GenuineIntel", 6, 0x4e, 0x4e},    {"GenuineIntel", 6, 0x5e, 0x5e},
    {"GenuineIntel", 6, 0x8e, 0x8e},    {"GenuineIntel", 6, 0x9e, 0x9e},    {"GenuineIntel", 6, 0xa5, 0xa7},
    {"GenuineIntel", 6, 0x7d, 0x7e},    {"GenuineIntel", 6, 0x8c, 0x8d},    {"GenuineIntel", 6, 0x97, 0x97},
    {"GenuineIntel", 6, 0x9a, 0x9a},    {"GenuineIntel", 6, 0xb7, 0xb7},    {"GenuineIntel", 6, 0xba, 0xba},
    {"GenuineIntel", 6, 0xbf, 0xbf},
};

#if defined(__x86_64__)

struct Registers {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers ask(unsigned leaf, unsigned part = 0) {
  Registers r;
  if (__get_cpuid_count(leaf, part, &r.a, &r.b, &r.c, &r.d) == 0) return {};
  return r;
}

std::string vendor() {
  const Registers r = ask(0);
  char name[12];
  std::memcpy(name, &r.b, 4);
  std::memcpy(name + 4, &r.d, 4);
  std::memcpy(name + 8, &r.c, 4);
  return {name, sizeof name};
}

/// The data or unified cache of a level by "deterministic cache parameters" (Intel's manual, CPUID leaf 4;
/// AMD's, leaf 8000001Dh, in the same form).
std::optional<Cache> cache(unsigned leaf, unsigned level) {
  for (unsigned part = 0; part < 16; ++part) {
    const Registers r = ask(leaf, part);
    const unsigned type = r.a & 31;
    if (type == 0) return std::nullopt;
    if (type == 2 || ((r.a >> 5) & 7) != level) continue;  // instructions, or another level
    const Index line = (r.b & 0xfff) + 1, partitions = ((r.b >> 12) & 0x3ff) + 1, ways = (r.b >> 22) + 1,
                sets = static_cast<Index>(r.c) + 1;
    return Cache{line * partitions * ways * sets, ways};
  }
  return std::nullopt;
}

Caches asked() {
  Caches found = kAssumed;
  const std::string maker = vendor();
  const unsigned leaf = maker == "AuthenticAMD" || maker == "HygonGenuine" ? 0x8000001d : 4;
  found.l1 = cache(leaf, 1).value_or(found.l1);
  found.l2 = cache(leaf, 2).value_or(found.l2);
  if (const std::optional<Cache> l3 = cache(leaf, 3)) found.l3_bytes = l3->bytes;
  const unsigned signature = ask(1).a, base_family = (signature >> 8) & 15;
  const unsigned family = base_family + (base_family == 15 ? (signature >> 20) & 255 : 0);
  const unsigned model = ((signature >> 4) & 15) + ((signature >> 12) & 0xf0);
  found.processor = say(maker, "family", family, "model", model);
  found.l3_near = std::ranges::any_of(kNear, [&](const Family& f) {
    return f.vendor == maker && f.family == family && model >= f.first_model && model <= f.last_model;
  });
  return found;
}

#else

Caches asked() {
  return kAssumed;
}

#endif

Caches& current() {
  static Caches caches = asked();
  return caches;
}

/// "48K" or "1M" in bytes.
Index size_of(std::string_view text, std::string_view word) {
  check(!text.empty() && (text.back() == 'K' || text.back() == 'M'),
        "caches: a size such as 48K or 1M is needed", "in", word);
  const Index count = parse_integer(text.substr(0, text.size() - 1), "caches");
  check(count > 0 && count <= kMega, "caches: a size of 1K or more is needed in", word);
  return count * (text.back() == 'K' ? kKilo : kMega);
}

Cache cache_of(std::string_view text, std::string_view word) {
  const std::size_t slash = text.find('/');
  check(slash != std::string_view::npos, "caches: SIZE/WAYS is needed in", word);
  const Cache cache{size_of(text.substr(0, slash), word), parse_integer(text.substr(slash + 1), "caches")};
  check(cache.ways > 0 && cache.bytes % (cache.ways * Cache::kLine) == 0,
        "caches: the size is no multiple of the ways, times a line of 64 bytes, in", word);
  return cache;
}

std::string size_text(Index bytes) {
  return bytes % kMega == 0 ? say(bytes / kMega, "MB") : say(bytes / kKilo, "KB");
}

std::string text_of(const Cache& cache) {
  return say(size_text(cache.bytes), "in", cache.ways, "ways");
}

}  // namespace

Index Cache::lines_held(Index stride) const {
  // Whole lines from one to the next repeat after sets() / gcd(lines, sets()) of them.
  const Index lines = std::max<Index>(1, stride / kLine);
  return sets() / std::gcd(lines, sets()) * ways;
}

const Caches& caches() {
  return current();
}

void use_caches(Caches caches) {
  current() = std::move(caches);
}

Caches adjusted(Caches base, std::string_view text) {
  for (const std::string& word : split(text, ',')) {
    if (word == "near" || word == "far")
      base.l3_near = word == "near";
    else if (word.starts_with("l1="))
      base.l1 = cache_of(std::string_view(word).substr(3), word);
    else if (word.starts_with("l2="))
      base.l2 = cache_of(std::string_view(word).substr(3), word);
    else if (word.starts_with("l3="))
      base.l3_bytes = size_of(std::string_view(word).substr(3), word);
    else
      throw Error("caches: l1=SIZE/WAYS, l2=SIZE/WAYS, l3=SIZE, near or far is needed, not '" + word + "'");
  }
  return base;
}

std::string describe(const Caches& caches) {
  const std::string l3 = caches.l3_bytes == 0
                             ? "no third cache"
                             : size_text(caches.l3_bytes) + (caches.l3_near ? " near" : " far");
  return text_of(caches.l1) + ", " + text_of(caches.l2) + ", " + l3;
}

}  // namespace engine::kernels
