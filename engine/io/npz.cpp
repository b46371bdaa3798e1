#include "engine/io/npz.h"

#include <algorithm>
#include <numeric>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/tensor/permuted.h"

namespace engine {
namespace {

constexpr std::string_view kEnd = ".npy";

std::string about(const File& file, const ZipMember& member) {
  return file.path() + ": member " + in_quotes(member.name);
}

/// In Fortran's order the values lie as those of the array with its axes reversed.
Shape reversed(const Shape& shape) {
  return Shape(std::vector<Index>(shape.dims().rbegin(), shape.dims().rend()));
}

}  // namespace

Npz::Npz(const std::filesystem::path& path) : archive_(path) {
  for (const ZipMember& member : archive_.members()) {
    const std::string who = about(archive_.file(), member);
    check(member.name.ends_with(kEnd), who, "is no .npy array");
    const std::string name = member.name.substr(0, member.name.size() - kEnd.size());
    arrays_.push_back(
        {name, parse_npy_header(archive_.read_start(member, kMaxNpyHeader), member.size, who), member});
  }
  for (std::size_t i = 0; i < arrays_.size(); ++i) by_name_.emplace(arrays_[i].name, i);
}

Tensor Npz::read(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    std::vector<std::string> names;
    for (const Array& array : arrays_) names.push_back(array.name);
    throw Error(say(path() + ":", "no array", in_quotes(name) + did_you_mean(name, names)));
  }
  const auto& [_, header, member] = arrays_[found->second];
  check(header.dtype->dtype.has_value(), about(archive_.file(), member), "is of type", header.dtype->name,
        "which cannot be read as a tensor");
  Tensor tensor = Tensor::uninitialized(header.fortran_order ? reversed(header.shape) : header.shape,
                                        *header.dtype->dtype);
  std::vector<std::byte> start(header.bytes);
  archive_.read(member, {start, std::span(tensor.raw(), tensor.bytes())});
  if (!header.fortran_order) return tensor;
  std::vector<int> axes(static_cast<std::size_t>(tensor.shape().rank()));
  std::iota(axes.rbegin(), axes.rend(), 0);
  return permuted(tensor, axes);
}

bool is_npz(const File& file) {
  constexpr std::size_t kHeader = 30, kNameLength = 26;  // of the first member's header
  std::vector<std::byte> start(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), 4096)));
  file.read_at(0, start);
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  if (!text.starts_with("PK\x03\x04") || text.size() < kHeader) return false;
  const std::size_t length = static_cast<unsigned char>(text[kNameLength]) |
                             std::size_t{static_cast<unsigned char>(text[kNameLength + 1])} << 8;
  return text.substr(kHeader, length).ends_with(kEnd);
}

}  // namespace engine
