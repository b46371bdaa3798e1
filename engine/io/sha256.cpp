#include "engine/io/sha256.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "engine/io/file.h"

namespace engine {

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  check(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1,
        "sha256: the OpenSSL library does not offer it");
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1, "sha256: hashing failed");
}

std::string Sha256::hex() {
  std::array<unsigned char, 32> hash{};
  check(EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr) == 1, "sha256: hashing failed");
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : hash) text += {kDigits[byte >> 4], kDigits[byte & 15]};
  return text;
}

std::string sha256(const std::filesystem::path& path) {
  const File file(path);
  Sha256 hash;
  std::vector<std::byte> piece(std::size_t{1} << 18);
  for (std::uint64_t at = 0; at < file.size();) {
    const std::size_t count =
        static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), file.size() - at));
    file.read_at(at, std::span(piece).first(count));
    hash.add(std::span(piece).first(count));
    at += count;
  }
  return hash.hex();
}

}  // namespace engine
