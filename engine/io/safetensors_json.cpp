#include "engine/io/safetensors_json.h"

#include <string>
#include <utility>

#include "engine/io/in_quotes.h"
#include "engine/io/json_events.h"
#include "engine/io/safetensors_dtype.h"

namespace engine {
namespace {

using Rule = SafetensorsRule;

/// A SAX handler that builds the header: data_offsets go to offset and bytes (as begin and end).
class HeaderReader final : public JsonEvents {
 public:
  HeaderReader(std::string_view what, const SafetensorsLimits& limits) : what_(what), limits_(limits) {}

  SafetensorsHeader take() { return std::move(header_); }

  void open_object() override {
    if (at_ == At::start) {
      at_ = At::names;
    } else if (at_ == At::names && name_ == "__metadata__") {
      at_ = At::metadata;
    } else if (at_ == At::names) {
      start_tensor();
    } else if (ignoring()) {
      ++ignored_depth_;
    } else {
      reject_value();
    }
  }

  void open_array() override {
    if (at_ == At::tensor && field_ == Field::shape) {
      at_ = At::shape;
    } else if (at_ == At::tensor && field_ == Field::offsets) {
      at_ = At::offsets;
    } else if (ignoring()) {
      ++ignored_depth_;
    } else {
      reject_value();
    }
  }

  void key(std::string_view key) override {
    if (at_ == At::names || at_ == At::metadata) name_ = key;
    if (at_ == At::tensor && ignored_depth_ == 0) start_field(key);
  }

  void value(const Value& value) override {
    if (ignoring()) return;
    const auto* text = std::get_if<std::string_view>(&value);
    const auto* number = std::get_if<std::uint64_t>(&value);
    if (at_ == At::metadata && text) {
      add_metadata(*text);
    } else if (at_ == At::tensor && field_ == Field::dtype && text) {
      set_dtype(*text);
    } else if (at_ == At::shape && number) {
      add_length(*number);
    } else if (at_ == At::offsets && number) {
      add_offset(*number);
    } else {
      reject_value();
    }
  }

  void close() override {
    switch (at_) {
      case At::tensor:
        if (ignored_depth_ > 0) {
          --ignored_depth_;
        } else {
          finish_tensor();
        }
        return;
      case At::shape:
        at_ = At::tensor;
        return;
      case At::offsets:
        if (offsets_ != 2) reject_value();
        at_ = At::tensor;
        return;
      case At::metadata:
      case At::names:
      case At::start:
        at_ = At::names;
        return;
    }
  }

 private:
  enum class At { start, names, metadata, tensor, shape, offsets };
  enum class Field { dtype, shape, offsets, ignored };

  /// The format allows fields that it does not name: they are read over.
  bool ignoring() const { return at_ == At::tensor && field_ == Field::ignored; }

  void start_tensor() {
    if (header_.entries.size() == limits_.tensors)
      reject(Rule::tensor_count, what_, "more than", limits_.tensors, "tensors");
    header_.entries.emplace_back().name = name_;
    at_ = At::tensor;
    has_shape_ = false;
    offsets_ = 0;
  }

  void add_metadata(std::string_view text) {
    if (header_.metadata.size() == limits_.metadata)
      reject(Rule::metadata_count, what_, "more than", limits_.metadata, "keys in __metadata__");
    header_.metadata.emplace(name_, text);
  }

  void start_field(std::string_view key) {
    field_ = key == "dtype"          ? Field::dtype
             : key == "shape"        ? Field::shape
             : key == "data_offsets" ? Field::offsets
                                     : Field::ignored;
    has_shape_ |= field_ == Field::shape;
  }

  void finish_tensor() {
    const SafetensorsEntry& entry = header_.entries.back();
    const char* missing = entry.dtype.empty() ? "dtype" : !has_shape_ ? "shape" : "data_offsets";
    if (entry.dtype.empty() || !has_shape_ || offsets_ == 0)
      reject(Rule::field, what_, "tensor", in_quotes(name_), "has no", missing);
    at_ = At::names;
  }

  void set_dtype(std::string_view text) {
    const SafetensorsDtype* dtype = find_safetensors_dtype(text);
    if (!dtype)
      reject(Rule::dtype, what_, "tensor", in_quotes(name_), "has the unknown dtype", in_quotes(text));
    header_.entries.back().dtype = dtype->name;
  }

  void add_length(std::uint64_t length) {
    std::vector<std::uint64_t>& dims = header_.entries.back().dims;
    if (dims.size() == limits_.rank)
      reject(Rule::rank, what_, "tensor", in_quotes(name_), "has more than", limits_.rank, "axes");
    dims.push_back(length);
  }

  void add_offset(std::uint64_t offset) {
    SafetensorsEntry& entry = header_.entries.back();
    if (offsets_ == 2) reject_value();
    (offsets_++ == 0 ? entry.offset : entry.bytes) = offset;
  }

  /// For a value of a type that does not belong where it stands.
  [[noreturn]] void reject_value() const {
    const std::string name = in_quotes(name_);
    switch (at_) {
      case At::start:
        reject(Rule::root, what_, "the header is not a JSON object");
      case At::names:
        if (name_ == "__metadata__") reject(Rule::metadata, what_, "__metadata__ is not a JSON object");
        reject(Rule::tensor, what_, "tensor", name, "is not described by a JSON object");
      case At::metadata:
        reject(Rule::metadata_value, what_, "the metadata", name, "is not a string");
      case At::tensor:
      case At::shape:
      case At::offsets:
        break;
    }
    if (field_ == Field::dtype) reject(Rule::dtype, what_, "the dtype of tensor", name, "is not a string");
    if (field_ == Field::shape)
      reject(Rule::shape, what_, "the shape of tensor", name, "is not an array of whole numbers below 2^64");
    reject(Rule::offsets, what_, "the data_offsets of tensor", name, "are not two whole numbers below 2^64");
  }

  std::string_view what_;
  const SafetensorsLimits& limits_;
  SafetensorsHeader header_;
  At at_ = At::start;
  std::string name_;  // of the tensor or the metadata that is being read
  Field field_ = Field::ignored;
  bool has_shape_ = false;
  int offsets_ = 0;        // how many of the two have been read
  int ignored_depth_ = 0;  // objects and arrays open inside an ignored field
};

}  // namespace

SafetensorsHeader read_safetensors_json(std::string_view text, std::string_view what,
                                        const SafetensorsLimits& limits) {
  HeaderReader reader(what, limits);
  try {
    parse_json_events(text, reader, limits.json);
  } catch (const JsonError& error) {
    constexpr Rule rules[] = {Rule::json,      Rule::nul,  Rule::depth,  // as in JsonFault
                              Rule::duplicate, Rule::text, Rule::keys};
    reject(rules[static_cast<int>(error.fault())], what, "in the header:", error.what());
  }
  return reader.take();
}

}  // namespace engine
