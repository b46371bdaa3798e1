#include "engine/io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "engine/base/text.h"
#include "engine/io/atomic_file.h"
#include "engine/io/foreign_format.h"
#include "engine/io/in_quotes.h"
#include "engine/io/safetensors_dtype.h"
#include "engine/io/sha256.h"

namespace engine {
namespace {

static_assert(std::endian::native == std::endian::little, "the format's numbers are little-endian");

/// The header; for a file of another kind that is known an Error that says which.
SafetensorsHeader read_header(const File& file) {
  std::vector<std::byte> start(static_cast<std::size_t>(std::min<std::uint64_t>(8, file.size())));
  file.read_at(0, start);
  try {
    start.resize(safetensors_header_size(start, file.size(), file.path()));
  } catch (const SafetensorsError& e) {
    const std::string other = recognised_format(file);
    if (other.empty()) throw;
    throw SafetensorsError(e.rule(), file.path() + ": " + other);
  }
  file.read_at(0, start);
  return parse_safetensors_header(start, file.size(), file.path());
}

bool floating(Dtype dtype) {
  return dtype != Dtype::i64 && dtype != Dtype::u8;
}

std::span<std::byte> bytes_of(Tensor& tensor) {
  return {tensor.raw(), tensor.bytes()};
}

/// Gives the bytes of the file to `sink(std::span<const std::byte>)` from first to last.
template <class Sink>
void emit(const NamedTensors& tensors, const Metadata& metadata, std::string_view what, Sink sink) {
  std::map<std::string_view, const Tensor*> by_name;
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, tensor] : tensors) {
    check(tensor.defined(), std::string(what) + ":", "tensor", in_quotes(name), "is empty");
    by_name[name] = &tensor;
    const std::vector<Index>& dims = tensor.shape().dims();
    entries.push_back(
        {.name = name, .dtype = safetensors_dtype(tensor.dtype()).name, .dims = {dims.begin(), dims.end()}});
  }
  const std::string start = make_safetensors_header(entries, metadata, what);
  sink(std::as_bytes(std::span(start)));
  for (const SafetensorsEntry& entry : entries) {
    const Tensor& tensor = *by_name.at(entry.name);
    sink(std::span(tensor.raw(), tensor.bytes()));
  }
}

}  // namespace

Safetensors::Safetensors(const std::filesystem::path& path) : file_(path), header_(read_header(file_)) {
  for (std::size_t i = 0; i < header_.entries.size(); ++i) by_name_.emplace(header_.entries[i].name, i);
}

std::vector<std::string> Safetensors::names() const {
  std::vector<std::string> names;
  for (const SafetensorsEntry& entry : entries()) names.push_back(entry.name);
  return names;
}

const SafetensorsEntry& Safetensors::entry(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end())
    throw Error(say(path() + ":", "no tensor", in_quotes(name) + did_you_mean(name, names())));
  return header_.entries[found->second];
}

std::string Safetensors::about(const SafetensorsEntry& entry) const {
  return say(path() + ":", "tensor", in_quotes(entry.name));
}

Dtype Safetensors::dtype_of_entry(const SafetensorsEntry& entry) const {
  const auto dtype = find_safetensors_dtype(entry.dtype)->dtype;
  if (!dtype) throw Error(say(about(entry), "is of type", entry.dtype, "which cannot be read as a tensor"));
  return *dtype;
}

void Safetensors::check_conversion(const SafetensorsEntry& entry, Dtype to) const {
  const Dtype from = dtype_of_entry(entry);
  if (from != to && !(floating(from) && (to == Dtype::f32 || to == Dtype::f64)))
    throw Error(say(about(entry), "is of type", entry.dtype, "which is not turned into", to));
}

Tensor Safetensors::read(std::string_view name) const {
  const SafetensorsEntry& stored = entry(name);
  Tensor tensor = Tensor::uninitialized(stored.shape(), dtype_of_entry(stored));
  file_.read_at(stored.offset, bytes_of(tensor));
  return tensor;
}

Tensor Safetensors::read_as(std::string_view name, Dtype dtype) const {
  check_conversion(entry(name), dtype);
  return read(name).to(dtype);
}

void Safetensors::read_into(std::string_view name, Tensor& tensor) const {
  const SafetensorsEntry& stored = entry(name);
  check_conversion(stored, tensor.dtype());
  if (!tensor.defined() || stored.shape() != tensor.shape())
    throw Error(say(about(stored), "has shape", stored.shape(), "but", tensor.shape(), "is expected"));
  const Dtype from = dtype_of_entry(stored);
  if (from == tensor.dtype()) return file_.read_at(stored.offset, bytes_of(tensor));

  constexpr Index kPiece = Index{1} << 16;  // values converted at once: small enough for the cache
  for (Index done = 0; done < tensor.numel(); done += kPiece) {
    Tensor piece = Tensor::uninitialized({std::min(kPiece, tensor.numel() - done)}, from);
    file_.read_at(stored.offset + static_cast<std::uint64_t>(done * size_of(from)), bytes_of(piece));
    const Tensor converted = piece.to(tensor.dtype());
    std::memcpy(tensor.raw() + done * size_of(tensor.dtype()), converted.raw(), converted.bytes());
  }
}

void Safetensors::read_row(std::string_view name, Index row, std::span<std::byte> out) const {
  const SafetensorsEntry& stored = entry(name);
  const Shape shape = stored.shape();
  check(shape.rank() > 0 && row >= 0 && row < shape[0], about(stored), "has no row", row);
  const auto bytes = static_cast<std::size_t>(shape.numel() / shape[0] * size_of(dtype_of_entry(stored)));
  check(out.size() == bytes, about(stored), "has rows of", bytes, "bytes, not", out.size());
  file_.read_at(stored.offset + static_cast<std::uint64_t>(row) * bytes, out);
}

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const Metadata& metadata, const std::filesystem::path& former,
                       const FileCheck& check) {
  AtomicFile file(path);
  emit(tensors, metadata, path.string(), [&](std::span<const std::byte> bytes) { file.write(bytes); });
  if (check) check(file.readable());
  file.commit(former);
}

std::string sha256_of_safetensors(const NamedTensors& tensors, const Metadata& metadata) {
  Sha256 hash;
  emit(tensors, metadata, "safetensors", [&](std::span<const std::byte> bytes) { hash.add(bytes); });
  return hash.hex();
}

}  // namespace engine
