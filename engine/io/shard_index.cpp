#include "engine/io/shard_index.h"

#include <algorithm>

#include "engine/io/in_quotes.h"
#include "engine/io/json_events.h"

namespace engine {
namespace {

/// True for a name that can mean nothing but a safetensors file in the index's own folder.
bool names_a_neighbour(std::string_view file) {
  const auto leads_away = [](char c) {
    return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
  };
  return file.ends_with(".safetensors") && file.find("..") == std::string_view::npos &&
         std::ranges::none_of(file, leads_away);
}

/// A SAX handler that builds the index. Files are numbered as they come and sorted at the end.
class IndexReader final : public JsonEvents {
 public:
  explicit IndexReader(std::string_view what) : what_(std::string(what) + ":") {}

  ShardIndex take() {
    check(has_map_, what_, "there is no weight_map, which names the file of every tensor");
    check(!index_.tensors.empty(), what_, "its weight_map names no tensor");
    sort_files();
    return std::move(index_);
  }

  void open_object() override {
    check_place(true);
    if (++depth_ == 2) section_ = key_, has_map_ |= key_ == kMap;
  }
  void open_array() override {
    check_place(false);
    if (++depth_ == 2) section_.clear();
  }
  void key(std::string_view key) override { key_ = key; }
  void value(const Value& value) override {
    const auto* file = std::get_if<std::string_view>(&value);
    const auto* number = std::get_if<std::uint64_t>(&value);
    if (in_map() && file) return add(*file);
    check_place(false);
    if (depth_ == 2 && section_ == "metadata" && key_ == "total_size" && number) index_.total_size = *number;
  }
  void close() override { --depth_; }

 private:
  static constexpr std::string_view kMap = "weight_map";

  bool in_map() const { return depth_ == 2 && section_ == kMap; }

  /// Checks that a value other than a file's name may stand here.
  void check_place(bool object) const {
    check(depth_ > 0 || object, what_, "should hold one JSON object");
    check(depth_ != 1 || key_ != kMap || object, what_,
          "weight_map should be an object of tensors and files");
    check(!in_map(), what_, "weight_map: tensor", in_quotes(key_), "should have the name of a file");
  }

  void add(std::string_view file) {
    check(names_a_neighbour(file), what_, "weight_map: tensor", in_quotes(key_), "is said to be in",
          in_quotes(file) + "; it should be in a file of the same folder that ends in .safetensors");
    const auto at = numbers_.emplace(file, numbers_.size()).first;
    check(numbers_.size() <= kMaxShards, what_, "weight_map names more than", kMaxShards, "files");
    index_.tensors.emplace(key_, at->second);
  }

  void sort_files() {
    std::vector<std::size_t> places(numbers_.size());
    for (const auto& [file, number] : numbers_) {
      places[number] = index_.files.size();
      index_.files.push_back(file);
    }
    for (auto& [tensor, number] : index_.tensors) number = places[number];
  }

  std::string what_;
  ShardIndex index_;
  std::map<std::string, std::size_t> numbers_;
  std::string section_, key_;  // the field of the whole object that is open, and the last key
  int depth_ = 0;
  bool has_map_ = false;
};

}  // namespace

ShardIndex parse_shard_index(std::string_view text, std::string_view what) {
  IndexReader reader(what);
  try {
    parse_json_events(text, reader);
  } catch (const JsonError& error) {
    throw Error(say(std::string(what) + ":", error.what()));
  }
  return reader.take();
}

}  // namespace engine
