#include "tools/training/control_groups.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>
#include <utility>

namespace training {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kGb = 1'000'000'000;

/// A made-up /sys/fs/cgroup, and what /proc/self/cgroup says.
class Groups : public testing::Test {
 protected:
  Groups() : root_(fs::temp_directory_path() / ("control_groups_" + std::to_string(getpid()))) {
    fs::remove_all(root_);
    fs::create_directories(root_ / "sys");
  }
  ~Groups() override { fs::remove_all(root_); }

  void in(const std::string& lines) { std::ofstream(root_ / "groups") << lines; }
  void write(const std::string& file, const std::string& text) {
    const fs::path path = root_ / "sys" / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text << '\n';
  }
  ControlGroupFiles files() const { return {root_ / "groups", root_ / "sys"}; }

 private:
  fs::path root_;
};

TEST_F(Groups, without_limits_leave_everything) {
  EXPECT_EQ(left_in_groups(files()), std::nullopt) << "no such files";
  in("0::/a\n4:memory:/b\n3:cpu,cpuacct:/b\n");
  write("a/memory.max", "max");
  write("a/memory.current", "1000000000");
  write("a/cpu.max", "max 100000");
  write("memory/b/memory.limit_in_bytes", "9223372036854771712");
  write("memory/b/memory.usage_in_bytes", "1000000000");
  write("cpu,cpuacct/b/cpu.cfs_quota_us", "-1");
  write("cpu,cpuacct/b/cpu.cfs_period_us", "100000");
  EXPECT_EQ(left_in_groups(files()), std::nullopt);
  EXPECT_EQ(quota_of_groups(files()), std::nullopt);
}

TEST_F(Groups, of_version_2_do_not_count_idle_page_cache_as_taken) {
  in("0::/job\n");
  write("job/memory.max", "2000000000");
  write("job/memory.current", "1993000000");
  write("job/memory.stat", "anon 53000000\nactive_file 3000000\ninactive_file 1940000000");
  EXPECT_EQ(left_in_groups(files()), 2 * kGb - 53'000'000);
  write("job/memory.stat", "inactive_file 5000000000");
  EXPECT_EQ(left_in_groups(files()), 2 * kGb);
  write("job/memory.current", "3000000000");
  write("job/memory.stat", "inactive_file 0");
  EXPECT_EQ(left_in_groups(files()), 0u);
}

TEST_F(Groups, that_lie_above_limit_as_well) {
  in("0::/slice/pod/job\n");
  for (const auto& [group, most, now] :
       {std::array<std::string, 3>{"slice/pod/job", "8000000000", "1000000000"},
        {"slice/pod", "max", "3000000000"},
        {"slice", "6000000000", "5000000000"}}) {
    write(group + "/memory.max", most);
    write(group + "/memory.current", now);
  }
  EXPECT_EQ(left_in_groups(files()), 1 * kGb) << "what the others in the slice have left";
  write("memory.max", "500000000");  // a container's own group is the mounted root
  write("memory.current", "100000000");
  EXPECT_EQ(left_in_groups(files()), 400'000'000u);
}

TEST_F(Groups, of_version_1_limit_with_what_lies_above) {
  in("12:pids:/x\n4:memory:/docker/1\n0::/\n");
  write("memory/docker/1/memory.limit_in_bytes", "9223372036854771712");
  write("memory/docker/1/memory.usage_in_bytes", "100000000");
  write("memory/docker/memory.limit_in_bytes", "4000000000");
  write("memory/docker/memory.usage_in_bytes", "3000000000");
  write("memory/docker/memory.stat", "inactive_file 1\ntotal_inactive_file 500000000");
  EXPECT_EQ(left_in_groups(files()), 1'500'000'000u);
}

TEST_F(Groups, whose_path_is_not_mounted_limit_by_what_is) {
  in("4:memory:/kubepods/pod7/8\n5:cpuacct,cpu:/kubepods/pod7/8\n");
  write("memory/memory.limit_in_bytes", "1000000000");
  write("memory/memory.usage_in_bytes", "250000000");
  write("cpu/cpu.cfs_quota_us", "300000");
  write("cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(left_in_groups(files()), 750'000'000u);
  EXPECT_EQ(quota_of_groups(files()), 3);
  in("0::/../../other\n");
  write("memory.max", "1000000000");
  write("memory.current", "0");
  EXPECT_EQ(left_in_groups(files()), kGb);
}

TEST_F(Groups, with_a_quota_allow_the_least_share_of_all_above) {
  in("0::/slice/job\n");
  for (const auto& [quota, processors] : {std::pair{"50000 100000", 0.5},
                                          {"100000 100000", 1.0},
                                          {"150000 100000", 1.5},
                                          {"400000 50000", 8.0}}) {
    write("slice/job/cpu.max", quota);
    EXPECT_EQ(quota_of_groups(files()), processors) << quota;
  }
  write("slice/cpu.max", "200000 100000");
  EXPECT_EQ(quota_of_groups(files()), 2) << "of the slice";
  in("3:cpu,cpuacct:/a/b\n");
  write("cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1");
  write("cpu,cpuacct/a/b/cpu.cfs_period_us", "100000");
  write("cpu,cpuacct/a/cpu.cfs_quota_us", "250000");
  write("cpu,cpuacct/a/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota_of_groups(files()), 2.5);
}

}  // namespace
}  // namespace training
