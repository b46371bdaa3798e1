#pragma once

#include "peft/method.h"
#include "peft/method_info.h"

namespace peft {

/// All methods.
const std::vector<MethodInfo>& methods();

/// The method of that name. Throws an Error with the nearest names.
const MethodInfo& find_method(const std::string& name);

/// The method with these options; throws an Error that names a wrong option or value. `seed` is that of all
/// its random numbers.
std::unique_ptr<Method> make_method(const std::string& name,
                                    const std::map<std::string, std::string>& options,
                                    std::uint64_t seed = 0);

}  // namespace peft
