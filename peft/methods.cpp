#include "peft/methods.h"

#include "engine/base/text.h"
#include "peft/methods/adapter.h"
#include "peft/methods/bitfit.h"
#include "peft/methods/dora.h"
#include "peft/methods/fisher.h"
#include "peft/methods/full.h"
#include "peft/methods/gps.h"
#include "peft/methods/green.h"
#include "peft/methods/grft.h"
#include "peft/methods/l2_sp.h"
#include "peft/methods/last_k.h"
#include "peft/methods/linear.h"
#include "peft/methods/lisa.h"
#include "peft/methods/ln.h"
#include "peft/methods/lora.h"
#include "peft/methods/lp_ft.h"
#include "peft/methods/lt_sft.h"
#include "peft/methods/magnitude.h"
#include "peft/methods/neuroada.h"
#include "peft/methods/random.h"
#include "peft/methods/sam.h"
#include "peft/methods/sara.h"
#include "peft/methods/shira.h"
#include "peft/methods/sift.h"
#include "peft/methods/smallest.h"
#include "peft/methods/spiel.h"
#include "peft/methods/spt.h"
#include "peft/methods/ssf.h"
#include "peft/methods/vpt.h"

namespace peft {

const std::vector<MethodInfo>& methods() {
  // clang-format off
  static const std::vector<MethodInfo> table{
      full(),
      linear(),
      grft(),
      gps(),
      sift(),
      bitfit(),
      ln(),
      last_k(),
      l2_sp(),
      lp_ft(),
      lora(),
      dora(),
      adapter(),
      ssf(),
      vpt(),
      random(),
      magnitude(),
      fisher(),
      sam(),
      shira(),
      neuroada(),
      lt_sft(),
      spiel(),
      sara(),
      spt(),
      lisa(),
      green(),
      smallest(),
  };
  // clang-format on
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
