#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/codecs/decode.h"
#include "data/dataset.h"
#include "engine/io/file.h"
#include "engine/io/sha256.h"

namespace data {

/// Images in files of their own, decoded each time they are asked for.
class ImageFiles : public Dataset {
 public:
  struct Entry {
    std::string path;
    Index label;
  };
  explicit ImageFiles(std::vector<Entry> entries) : entries_(std::move(entries)) {}
  Index size() const override { return static_cast<Index>(entries_.size()); }
  std::string name(Index i) const override { return entry(i).path; }
  Index label(Index i) const override { return entry(i).label; }
  Image image(Index i) const override { return read_image(entry(i).path); }
  std::string sha256(Index i) const override { return engine::sha256(entry(i).path); }
  void check_there(Index i) const override { const engine::File file(entry(i).path); }

 private:
  const Entry& entry(Index i) const { return entries_[static_cast<std::size_t>(i)]; }
  std::vector<Entry> entries_;
};

}  // namespace data
