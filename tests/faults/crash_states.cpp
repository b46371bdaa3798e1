#include "tests/faults/crash_states.h"

#include <algorithm>
#include <stdexcept>

#include "tests/end_to_end/program.h"

namespace faults {

namespace fs = std::filesystem;

namespace {

constexpr int kFolder = -1, kGone = -2;

std::string folder_of(const std::string& path) {
  return fs::path(path).parent_path();
}

}  // namespace

ForgetfulDisk::ForgetfulDisk(const fs::path& root) : root_(root) {
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    int number = kFolder;
    if (entry.is_regular_file()) {
      const std::string text = end_to_end::read_text(entry.path());
      files_.push_back({text, text});
      number = static_cast<int>(files_.size()) - 1;
    }
    now_[entry.path()] = number;
  }
  sure_ = now_;
}

void ForgetfulDisk::apply(const Change& change, Names& names) {
  for (const auto& [path, file] : change.names) {
    if (file == kGone)
      names.erase(path);
    else
      names[path] = file;
  }
}

void ForgetfulDisk::change(Change change) {
  apply(change, now_);
  unsure_.push_back(std::move(change));
}

void ForgetfulDisk::perform(const Call& call) {
  if (!call.done) return;
  if (call.name == "open") {
    const auto found = now_.find(call.path);
    if (call.path == root_ || (found != now_.end() && found->second == kFolder)) {
      open_folders_[call.descriptor] = call.path;
      return;
    }
    if (found == now_.end()) {
      files_.emplace_back();
      change({{{call.path, static_cast<int>(files_.size()) - 1}}});
    }
    open_[call.descriptor] = now_.at(call.path);
  } else if (call.name == "mkdir") {
    change({{{call.path, kFolder}}});
  } else if (call.name == "unlink") {
    change({{{call.path, kGone}}});
  } else if (call.name == "rename") {
    change({{{call.to, now_.at(call.path)}, {call.path, kGone}}});
  } else if (call.name == "write") {
    files_[static_cast<std::size_t>(open_.at(call.descriptor))].now +=
        call.bytes;  // all are written at their ends
  } else if (call.name == "ftruncate") {
    files_[static_cast<std::size_t>(open_.at(call.descriptor))].now.resize(
        static_cast<std::size_t>(call.size));
  } else if (call.name == "fsync" && open_folders_.contains(call.descriptor)) {
    const std::string& folder = open_folders_.at(call.descriptor);
    std::erase_if(unsure_, [&](const Change& change) {
      const bool here = folder_of(change.names[0].first) == folder;
      if (here) apply(change, sure_);
      return here;
    });
  } else if (call.name == "fsync") {
    File& file = files_[static_cast<std::size_t>(open_.at(call.descriptor))];
    file.sure = file.now;
  } else if (call.name == "close") {
    open_.erase(call.descriptor);
    open_folders_.erase(call.descriptor);
  }
}

Tree ForgetfulDisk::tree(const Names& names, const std::vector<std::string>& contents) const {
  Tree tree;
  const auto reachable = [&](std::string path) {
    while ((path = folder_of(path)) != root_) {
      const auto above = names.find(path);
      if (above == names.end() || above->second != kFolder) return false;
    }
    return true;
  };
  for (const auto& [path, file] : names) {
    if (!reachable(path)) continue;
    if (file == kFolder)
      tree.folders.insert(path);
    else
      tree.files[path] = contents[static_cast<std::size_t>(file)];
  }
  return tree;
}

std::vector<Tree> ForgetfulDisk::after_a_crash() const {
  std::vector<std::string> now, sure, half, zeros;
  for (const File& file : files_) {
    const std::string start = file.now.starts_with(file.sure) ? file.sure : "";
    const std::size_t rest = file.now.size() - start.size();
    now.push_back(file.now);
    sure.push_back(file.sure);
    half.push_back(file.now.substr(0, start.size() + rest / 2));
    zeros.push_back(start + std::string(rest, '\0'));
  }
  if (unsure_.size() > 10) throw std::logic_error("too many names are changed without a sync");
  std::set<Tree> states;
  for (unsigned subset = 0; subset < 1u << unsure_.size(); ++subset) {
    Names names = sure_;
    for (std::size_t i = 0; i < unsure_.size(); ++i) {
      if (subset >> i & 1) apply(unsure_[i], names);
    }
    for (const auto& contents : {now, sure, half, zeros}) states.insert(tree(names, contents));
  }
  return {states.begin(), states.end()};
}

void write_tree(const Tree& tree, const fs::path& root) {
  for (const auto& entry : fs::directory_iterator(root)) fs::remove_all(entry.path());
  for (const std::string& folder : tree.folders) fs::create_directories(folder);
  for (const auto& [path, content] : tree.files) end_to_end::write_text(path, content);
}

}  // namespace faults
