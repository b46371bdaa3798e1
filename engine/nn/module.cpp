#include "engine/nn/module.h"

namespace engine {
namespace {

using OnParameter = std::function<void(const std::string&, Parameter&)>;
using OnModule = std::function<void(const std::string&, Module&)>;

class Walker : public Parts {
 public:
  Walker(const OnParameter& on_parameter, const OnModule& on_module)
      : on_parameter_(on_parameter), on_module_(on_module) {}

  void operator()(std::string_view name, Parameter& parameter) override {
    on_parameter_(prefix_ + std::string(name), parameter);
  }

  void operator()(std::string_view name, Module& module) override {
    const std::string outer = prefix_, full = prefix_ + std::string(name);
    on_module_(full, module);
    prefix_ = full + '.';
    module.parts(*this);
    prefix_ = outer;
  }

 private:
  const OnParameter& on_parameter_;
  const OnModule& on_module_;
  std::string prefix_;
};

}  // namespace

void walk(Module& root, const OnParameter& on_parameter, const OnModule& on_module) {
  Walker walker(on_parameter, on_module);
  root.parts(walker);
}

std::vector<NamedParameter> parameters(Module& root) {
  std::vector<NamedParameter> all;
  walk(
      root,
      [&](const std::string& name, Parameter& p) {
        all.push_back({name, p});
      },
      [](const auto&, Module&) {});
  return all;
}

void convert(Module& root, Dtype dtype) {
  for (const NamedParameter& p : parameters(root)) {
    p.parameter.value() = p.parameter.value().to(dtype);
    p.parameter.grad() = {};
  }
}

}  // namespace engine
