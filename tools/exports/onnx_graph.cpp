#include "tools/exports/onnx_graph.h"

#include <algorithm>

#include "engine/base/text.h"

namespace exports {

using engine::ProtobufMessage;
using engine::Tensor;
using Sink = ProtobufMessage::Sink;

namespace {

// Field numbers of onnx.proto3, by message.
namespace node_proto {
enum { input = 1, output = 2, name = 3, op_type = 4, attribute = 5 };
}
namespace attribute_proto {
enum { name = 1, f = 2, i = 3, ints = 8, type = 20 };
enum { type_float = 1, type_int = 2, type_ints = 7 };
}  // namespace attribute_proto
namespace graph_proto {
enum { node = 1, name = 2, initializer = 5, input = 11, output = 12 };
}
namespace tensor_proto {
enum { dims = 1, data_type = 2, name = 8, raw_data = 9, external_data = 13, data_location = 14 };
enum { external = 1 };
}  // namespace tensor_proto
namespace value_info_proto {
enum { name = 1, type = 2 };
}
namespace type_proto {
enum { tensor_type = 1, elem_type = 1, shape = 2, dim = 1, dim_value = 1, dim_param = 2 };
}
namespace entry_proto {
enum { key = 1, value = 2 };
}

void give_values(const Sink& sink, std::span<const float> values) {
  sink(std::as_bytes(values));
}

/// The transposed matrix, some of its rows at a time.
void give_transposed(const Sink& sink, const Tensor& matrix) {
  constexpr Index kRows = 64;
  const Index rows = matrix.shape()[1], columns = matrix.shape()[0];
  const std::span<const float> from = matrix.data<float>();
  std::vector<float> some;
  for (Index first = 0; first < rows; first += kRows) {
    const Index count = std::min(kRows, rows - first);
    some.resize(static_cast<std::size_t>(count * columns));
    for (Index c = 0; c < columns; ++c)
      for (Index r = 0; r < count; ++r)
        some[static_cast<std::size_t>(r * columns + c)] =
            from[static_cast<std::size_t>(c * rows + first + r)];
    give_values(sink, some);
  }
}

ProtobufMessage entry(const std::string& key, const std::string& value) {
  ProtobufMessage m;
  m.text(entry_proto::key, key);
  m.text(entry_proto::value, value);
  return m;
}

ProtobufMessage message_of(const OnnxGraph::Attribute& attribute) {
  ProtobufMessage m;
  m.text(attribute_proto::name, attribute.name);
  if (const auto* whole = std::get_if<Index>(&attribute.value)) {
    m.integer(attribute_proto::i, *whole);
    m.integer(attribute_proto::type, attribute_proto::type_int);
  } else if (const auto* number = std::get_if<float>(&attribute.value)) {
    m.floating(attribute_proto::f, *number);
    m.integer(attribute_proto::type, attribute_proto::type_float);
  } else {
    for (const Index i : std::get<std::vector<Index>>(attribute.value)) m.integer(attribute_proto::ints, i);
    m.integer(attribute_proto::type, attribute_proto::type_ints);
  }
  return m;
}

}  // namespace

OnnxGraph::Value OnnxGraph::add(Initializer initializer) {
  if (!names_.insert(initializer.name).second) return initializer.name;
  initializers_.push_back(std::move(initializer));
  return initializers_.back().name;
}

OnnxGraph::Value OnnxGraph::tensor(const std::string& name, Tensor t) {
  engine::check(t.dtype() == engine::Dtype::f32, "onnx:", name, "is", t.dtype(), "and not F32");
  return add({name, Type::f32, t.shape().dims(), t.bytes(),
              [t = t.detached()](const Sink& sink) { give_values(sink, t.data<float>()); }});
}

OnnxGraph::Value OnnxGraph::transposed(const std::string& name, Tensor t) {
  engine::check(t.dtype() == engine::Dtype::f32 && t.shape().rank() == 2, "onnx:", name, "is", t.dtype(),
                t.shape(), "and no matrix of F32");
  return add({name, Type::f32, {t.shape()[1], t.shape()[0]}, t.bytes(), [t = t.detached()](const Sink& sink) {
                give_transposed(sink, t);
              }});
}

OnnxGraph::Value OnnxGraph::integers(const std::string& name, const std::vector<Index>& values,
                                     std::vector<Index> shape) {
  return add({name, Type::i64, std::move(shape), values.size() * sizeof(Index),
              [values](const Sink& sink) { sink(std::as_bytes(std::span(values))); }});
}

OnnxGraph::Value OnnxGraph::integers(const std::vector<Index>& values) {
  std::vector<std::string> words;
  for (const Index i : values) words.push_back(std::to_string(i));
  return integers("integers(" + engine::join(words, ",") + ')', values, {static_cast<Index>(values.size())});
}

OnnxGraph::Value OnnxGraph::integer(Index value) {
  return integers("integer(" + std::to_string(value) + ')', {value}, {});
}

OnnxGraph::Value OnnxGraph::number(float value) {
  const std::string name = "number(" + engine::shortest(static_cast<double>(value)) + ')';
  return add({name, Type::f32, {}, sizeof value, [value](const Sink& sink) {
                give_values(sink, std::span(&value, 1));
              }});
}

std::vector<OnnxGraph::Value> OnnxGraph::nodes(const std::string& op, const std::string& place,
                                               std::vector<Value> inputs, std::vector<Attribute> attributes,
                                               std::size_t outputs) {
  std::string name = place + '/' + op;
  for (int next = 2; !names_.insert(name).second; ++next)
    name = place + '/' + op + '_' + std::to_string(next);
  std::vector<Value> made{name};
  for (std::size_t i = 1; i < outputs; ++i) {
    made.push_back(name + ':' + std::to_string(i));
    names_.insert(made.back());
  }
  ProtobufMessage m;
  for (const Value& value : inputs) m.text(node_proto::input, value);
  for (const Value& value : made) m.text(node_proto::output, value);
  m.text(node_proto::name, name);
  m.text(node_proto::op_type, op);
  for (const Attribute& attribute : attributes) m.message(node_proto::attribute, message_of(attribute));
  nodes_.push_back(std::move(m));
  return made;
}

OnnxGraph::Value OnnxGraph::node(const std::string& op, const std::string& place, std::vector<Value> inputs,
                                 std::vector<Attribute> attributes) {
  return nodes(op, place, std::move(inputs), std::move(attributes), 1).front();
}

OnnxGraph::Value OnnxGraph::input(const std::string& name, std::vector<Axis> shape) {
  names_.insert(name);
  inputs_.push_back({name, std::move(shape)});
  return name;
}

void OnnxGraph::output(const Value& value, const std::string& name, std::vector<Axis> shape) {
  names_.insert(name);
  ProtobufMessage m;
  m.text(node_proto::input, value);
  m.text(node_proto::output, name);
  m.text(node_proto::name, name + "/Identity");
  m.text(node_proto::op_type, "Identity");
  nodes_.push_back(std::move(m));
  outputs_.push_back({name, std::move(shape)});
}

std::uint64_t OnnxGraph::tensor_bytes() const {
  std::uint64_t all = 0;
  for (const Initializer& one : initializers_) all += one.size;
  return all;
}

ProtobufMessage OnnxGraph::message(const Port& port) {
  ProtobufMessage shape;
  for (const Axis& axis : port.shape) {
    ProtobufMessage dim;
    if (const auto* length = std::get_if<Index>(&axis))
      dim.integer(type_proto::dim_value, *length);
    else
      dim.text(type_proto::dim_param, std::get<std::string>(axis));
    shape.message(type_proto::dim, std::move(dim));
  }
  ProtobufMessage tensor, type, info;
  tensor.integer(type_proto::elem_type, static_cast<Index>(Type::f32));
  tensor.message(type_proto::shape, std::move(shape));
  type.message(type_proto::tensor_type, std::move(tensor));
  info.text(value_info_proto::name, port.name);
  info.message(value_info_proto::type, std::move(type));
  return info;
}

ProtobufMessage OnnxGraph::message(const std::string& data_file) const {
  ProtobufMessage m;
  for (const ProtobufMessage& node : nodes_) m.message(graph_proto::node, node);
  m.text(graph_proto::name, name_);
  std::uint64_t offset = 0;
  for (const Initializer& one : initializers_) {
    ProtobufMessage t;
    for (const Index length : one.shape) t.integer(tensor_proto::dims, length);
    t.integer(tensor_proto::data_type, static_cast<Index>(one.type));
    t.text(tensor_proto::name, one.name);
    if (data_file.empty() || one.size < kSmallestOutside) {
      t.streamed(tensor_proto::raw_data, one.size, one.produce);
    } else {
      t.message(tensor_proto::external_data, entry("location", data_file));
      t.message(tensor_proto::external_data, entry("offset", std::to_string(offset)));
      t.message(tensor_proto::external_data, entry("length", std::to_string(one.size)));
      t.integer(tensor_proto::data_location, tensor_proto::external);
      offset += one.size;
    }
    m.message(graph_proto::initializer, std::move(t));
  }
  for (const Port& port : inputs_) m.message(graph_proto::input, message(port));
  for (const Port& port : outputs_) m.message(graph_proto::output, message(port));
  return m;
}

void OnnxGraph::write_data(const Sink& sink) const {
  for (const Initializer& one : initializers_)
    if (one.size >= kSmallestOutside) one.produce(sink);
}

}  // namespace exports
