#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/autograd/parameter.h"

namespace engine {

class Module;

/// Receives the named parts of a module.
class Parts {
 public:
  virtual ~Parts() = default;
  virtual void operator()(std::string_view name, Parameter& parameter) = 0;
  virtual void operator()(std::string_view name, Module& module) = 0;
  /// The modules of a list are called name.0, name.1, ...
  template <class M>
  void operator()(std::string_view name, std::vector<M>& list) {
    for (std::size_t i = 0; i < list.size(); ++i)
      (*this)(std::string(name) + '.' + std::to_string(i), list[i]);
  }
};

/// Something with named parameters. Moves, never copies.
class Module {
 public:
  Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;
  virtual ~Module() = default;
  /// Names every parameter and module directly inside, once, in checkpoint order.
  virtual void parts(Parts& visit) = 0;
};

/// A parameter and its dotted name in the model: "blocks.0.attn.qkv.weight".
struct NamedParameter {
  std::string name;
  Parameter parameter;
};

/// Calls `on_parameter(name, parameter)` and `on_module(name, module)` for everything below `root`, in
/// checkpoint order.
void walk(Module& root, const std::function<void(const std::string&, Parameter&)>& on_parameter,
          const std::function<void(const std::string&, Module&)>& on_module);

/// Every parameter below `root` with its full name, in checkpoint order.
std::vector<NamedParameter> parameters(Module& root);

/// Turns every parameter into this dtype. Gradients are cleared; what trains stays.
void convert(Module& root, Dtype dtype);

}  // namespace engine
