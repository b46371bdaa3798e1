#include "tools/training/sealed_file.h"

#include <functional>
#include <map>

#include "engine/io/sha256.h"

namespace training {

using engine::Tensor;

namespace {

constexpr const char* kSeal = "content_sha256";

/// Adds a text with its length, so that no two lists of texts are hashed alike.
void add(engine::Sha256& hash, const std::string& text) {
  const std::string whole = std::to_string(text.size()) + ':' + text;
  hash.add(std::as_bytes(std::span(whole)));
}

/// The hash of all metadata but the seal, and of every tensor by name.
template <class TensorOf>
std::string seal_of(const engine::Metadata& metadata, const std::map<std::string, TensorOf>& tensors) {
  engine::Sha256 hash;
  for (const auto& [key, value] : metadata) {
    if (key == kSeal) continue;
    add(hash, key);
    add(hash, value);
  }
  for (const auto& [name, tensor_of] : tensors) {
    const Tensor tensor = tensor_of();
    add(hash, engine::say(name, tensor.dtype(), tensor.shape()));
    hash.add(std::span(tensor.raw(), tensor.bytes()));
  }
  return hash.hex();
}

}  // namespace

SealedFile::SealedFile(const std::filesystem::path& path, const std::string& format) : file_(path) {
  const std::string& found = stored("format");
  engine::check(found == format, file_.path() + ": is of format", found + ", not", format);
  std::map<std::string, std::function<Tensor()>> tensors;
  for (const std::string& name : file_.names()) tensors[name] = [this, name] { return file_.read(name); };
  engine::check(seal_of(file_.metadata(), tensors) == stored(kSeal),
                file_.path() + ": is damaged: its content has not the hash that it was written with");
}

const std::string& SealedFile::stored(const std::string& key) const {
  const auto found = file_.metadata().find(key);
  engine::check(found != file_.metadata().end(), file_.path() + ": its metadata has no", key);
  return found->second;
}

engine::NamedTensors SealedFile::tensors_with(const std::string& prefix) const {
  engine::NamedTensors some;
  for (const std::string& name : file_.names()) {
    if (name.starts_with(prefix)) some.emplace_back(name.substr(prefix.size()), file_.read(name));
  }
  return some;
}

void write_sealed(const std::filesystem::path& path, const engine::NamedTensors& tensors,
                  engine::Metadata metadata, const std::filesystem::path& former) {
  std::map<std::string, std::function<Tensor()>> by_name;
  for (const auto& [name, tensor] : tensors) by_name[name] = [t = tensor] { return t; };
  metadata[kSeal] = seal_of(metadata, by_name);
  engine::write_safetensors(path, tensors, metadata, former);
}

}  // namespace training
