#include <lamellar/error.hpp>
#include <lamellar/world.hpp>

#include "world/world/parts.hpp"

namespace lamellar {
namespace {

base::Key key_of(const std::string& setting) {
  if (const auto key = base::find_setting(setting)) return *key;
  throw ConfigError("WorldBuilder: there is no setting '" + setting +
                    "'; the settings are listed in docs/settings.md");
}

}  // namespace

WorldBuilder::WorldBuilder() : parts_(std::make_unique<Parts>()) {}
WorldBuilder::~WorldBuilder() = default;
WorldBuilder::WorldBuilder(const WorldBuilder& other)
    : parts_(std::make_unique<Parts>(*other.parts_)) {}
WorldBuilder& WorldBuilder::operator=(const WorldBuilder& other) {
  *parts_ = *other.parts_;
  return *this;
}

WorldBuilder& WorldBuilder::set(const std::string& setting, const std::string& value) {
  parts_->overrides.set(key_of(setting), value);
  return *this;
}

WorldBuilder& WorldBuilder::force(const std::string& setting, const std::string& value) {
  parts_->overrides.force(key_of(setting), value);
  return *this;
}

WorldBuilder& WorldBuilder::on_error(std::function<void(std::exception_ptr)> handler) {
  parts_->hooks.on_error = std::move(handler);
  return *this;
}

WorldBuilder& WorldBuilder::executor(std::function<std::unique_ptr<Executor>()> make) {
  parts_->hooks.executor = std::move(make);
  return *this;
}

WorldBuilder& WorldBuilder::bootstrap(UserBootstrap callbacks) {
  parts_->bootstrap = std::move(callbacks);
  return *this;
}

int launch(int& argc, char** argv, const std::function<int(World&)>& pe_main) {
  return WorldBuilder().launch(argc, argv, pe_main);
}

World init() { return WorldBuilder().init(); }

}  // namespace lamellar
