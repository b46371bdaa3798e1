#pragma once

#include <string>
#include <string_view>

#include "engine/base/check.h"

namespace engine {

/// The rules a safetensors file must keep. A rejection names the first broken one as [ST001] and so on; a
/// number, once given, keeps its meaning.
enum class SafetensorsRule {
  file_size = 1,        ///< the file has at least the 8 bytes of the header's length
  header_limit = 2,     ///< the header is at most 100 MB long
  header_in_file = 3,   ///< the header ends within the file
  nul = 4,              ///< no NUL byte in the header
  json = 5,             ///< the header is one JSON value in UTF-8 with nothing but white space around it
  depth = 6,            ///< at most 100 objects and arrays inside each other
  duplicate = 7,        ///< no key twice in one object
  root = 8,             ///< the header is an object
  metadata = 9,         ///< __metadata__ is an object
  metadata_value = 10,  ///< every value in it is a string
  tensor = 11,          ///< every other value is an object
  field = 12,           ///< with dtype, shape and data_offsets
  dtype = 13,           ///< dtype is one of the known names
  shape = 14,           ///< shape is an array of whole numbers below 2^64
  rank = 15,            ///< at most 64 of them
  offsets = 16,         ///< data_offsets is an array of two whole numbers below 2^64
  tensor_count = 17,    ///< at most 250,000 tensors
  overflow = 18,        ///< the size in bits is below 2^64, also before a length of 0 is multiplied in
  whole_bytes = 19,     ///< and fills whole bytes
  order = 20,           ///< the data ends not before it begins
  size = 21,            ///< and has the size that dtype and shape need
  overlap = 22,         ///< no two tensors share bytes
  hole = 23,            ///< no bytes before, or between, the tensors' data
  data_size = 24,       ///< the last tensor ends where the file ends
  text = 25,            ///< without the white space around it the header is at most 25 MB long
  keys = 26,            ///< at most 1.25 million keys in all objects together
  metadata_count = 27,  ///< at most 100,000 of them in __metadata__
};

/// A file that breaks a rule of the format: "model.safetensors: tensor 'a' needs 16 bytes ... [ST021]".
class SafetensorsError : public Error {
 public:
  SafetensorsError(SafetensorsRule rule, const std::string& text);
  SafetensorsRule rule() const { return rule_; }

 private:
  SafetensorsRule rule_;
};

/// "ST001" for the first rule.
std::string rule_id(SafetensorsRule rule);

/// Throws a SafetensorsError that reads "what: parts [rule]".
template <class... Parts>
[[noreturn]] void reject(SafetensorsRule rule, std::string_view what, const Parts&... parts) {
  throw SafetensorsError(rule, say(std::string(what) + ":", parts...));
}

}  // namespace engine
