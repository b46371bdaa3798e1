#include "peft/methods.h"

#include "engine/base/text.h"

namespace peft {

#define PEFT_METHOD(function) MethodInfo function();
#include "peft/methods.def"
#undef PEFT_METHOD

const std::vector<MethodInfo>& methods() {
  static const std::vector<MethodInfo> table{
#define PEFT_METHOD(function) function(),
#include "peft/methods.def"
#undef PEFT_METHOD
  };
  return table;
}

const MethodInfo& find_method(const std::string& name) {
  std::vector<std::string> names;
  for (const MethodInfo& method : methods()) {
    if (method.name == name) return method;
    names.push_back(method.name);
  }
  throw engine::Error("unknown method '" + name + "'" + engine::did_you_mean(name, names));
}

std::unique_ptr<Method> make_method(const std::string& name,
                                    const std::map<std::string, std::string>& options, std::uint64_t seed) {
  const MethodInfo& info = find_method(name);
  return info.make(OptionValues(name, info.options, options, seed));
}

}  // namespace peft
