#pragma once

#include <set>
#include <string>
#include <variant>
#include <vector>

#include "engine/io/protobuf.h"
#include "engine/tensor/tensor.h"

namespace exports {

using engine::Index;

/// A graph of ONNX operators that is put together from the input on, and its file's bytes. Values have names:
/// those that nodes make are "<place>/<operator>", the place being a dotted name in the model.
class OnnxGraph {
 public:
  /// The name of a value.
  using Value = std::string;
  struct Attribute {
    std::string name;
    std::variant<Index, float, std::vector<Index>> value;
  };
  /// An axis by its length, or one that is free by its name.
  using Axis = std::variant<Index, std::string>;

  explicit OnnxGraph(std::string name) : name_(std::move(name)) {}

  /// An f32 tensor of the file. It shares the buffer of `tensor`, of which nothing is copied; `transposed` is
  /// a matrix whose axes are swapped while it is written. Of a name that is there already nothing is added.
  Value tensor(const std::string& name, engine::Tensor tensor);
  Value transposed(const std::string& name, engine::Tensor matrix);
  /// Whole numbers, such as a shape, of a name made from them; and a single one.
  Value integers(const std::vector<Index>& values);
  Value integer(Index value);
  /// Whole numbers that fill a shape.
  Value integers(const std::string& name, const std::vector<Index>& values, std::vector<Index> shape);
  Value number(float value);

  Value node(const std::string& op, const std::string& place, std::vector<Value> inputs,
             std::vector<Attribute> attributes = {});
  /// A node with several outputs.
  std::vector<Value> nodes(const std::string& op, const std::string& place, std::vector<Value> inputs,
                           std::vector<Attribute> attributes, std::size_t outputs);

  Value input(const std::string& name, std::vector<Axis> shape);
  /// Gives a value the name of an output.
  void output(const Value& value, const std::string& name, std::vector<Axis> shape);

  /// Bytes of all tensors.
  std::uint64_t tensor_bytes() const;
  /// The GraphProto, whose tensors are asked for when it is written; with a `data_file`, which lies beside
  /// the graph's, those of kSmallestOutside bytes or more are in there, where write_data() puts them.
  engine::ProtobufMessage message(const std::string& data_file = {}) const;
  void write_data(const engine::ProtobufMessage::Sink& sink) const;

  static constexpr std::uint64_t kSmallestOutside = 1024;

 private:
  enum class Type { f32 = 1, i64 = 7 };  // as TensorProto.DataType has them
  struct Initializer {
    std::string name;
    Type type;
    std::vector<Index> shape;
    std::uint64_t size;
    engine::ProtobufMessage::Producer produce;
  };
  struct Port {
    std::string name;
    std::vector<Axis> shape;
  };

  Value add(Initializer initializer);
  static engine::ProtobufMessage message(const Port& port);

  std::string name_;
  std::vector<Initializer> initializers_;
  std::set<std::string> names_;
  std::vector<engine::ProtobufMessage> nodes_;
  std::vector<Port> inputs_, outputs_;
};

}  // namespace exports
