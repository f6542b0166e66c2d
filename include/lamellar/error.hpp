#pragma once
// Every exception the library throws. All derive from lamellar::Error, so one catch is enough.
// THREADS: values; copies may be used on any thread. Copying does not throw.

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

#include <lamellar/export.hpp>
#include <lamellar/types.hpp>

namespace lamellar {

// The root. what() says what was asked, what was there, and what to do.
class LAMELLAR_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message);
  Error(const Error&) noexcept = default;
  Error& operator=(const Error&) noexcept = default;
  ~Error() override;
};

// A setting has a value that cannot be used.
class LAMELLAR_API ConfigError : public Error {
 public:
  using Error::Error;
  ~ConfigError() override;
};

// The PEs could not be started or could not find each other.
class LAMELLAR_API LaunchError : public Error {
 public:
  using Error::Error;
  ~LaunchError() override;
};

// A blocking call was made where blocking could stop the world (inside a task or a handler).
// The message names the awaitable form.
class LAMELLAR_API WouldDeadlock : public Error {
 public:
  using Error::Error;
  ~WouldDeadlock() override;
};

// So many tasks block their threads at the same time that no thread is left to go on: most likely
// they wait for each other. The message has the table of who waits for what.
class LAMELLAR_API DeadlockSuspected : public Error {
 public:
  using Error::Error;
  ~DeadlockSuspected() override;
};

// What was waited for did not come in time. It goes on.
class LAMELLAR_API TimedOut : public Error {
 public:
  using Error::Error;
  ~TimedOut() override;
};

// A stop token ended a wait. What was waited for goes on.
class LAMELLAR_API Cancelled : public Error {
 public:
  using Error::Error;
  ~Cancelled() override;
};

// An active message threw on the PE that ran it.
class LAMELLAR_API RemoteError : public Error {
 public:
  // type_name: type of the exception as written in C++; remote_what: its what() there;
  // am: name of the active message.
  RemoteError(const std::string& type_name, const std::string& remote_what, Pe pe,
              const std::string& am);
  RemoteError(const RemoteError&) noexcept = default;
  RemoteError& operator=(const RemoteError&) noexcept = default;
  ~RemoteError() override;

  const std::string& type_name() const noexcept;
  const std::string& remote_what() const noexcept;
  const std::string& am() const noexcept;
  Pe pe() const noexcept { return pe_; }

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
  Pe pe_;
};

// A peer can no longer be reached.
class LAMELLAR_API PeerFailed : public Error {
 public:
  PeerFailed(Pe pe, const std::string& reason);
  ~PeerFailed() override;
  Pe pe() const noexcept { return pe_; }

 private:
  Pe pe_;
};

// Another PE failed and the job ends: thrown by every wait of the PEs that still run.
class LAMELLAR_API JobFailed : public Error {
 public:
  JobFailed(Pe pe, const std::string& reason);
  JobFailed(const JobFailed&) noexcept = default;
  JobFailed& operator=(const JobFailed&) noexcept = default;
  ~JobFailed() override;
  Pe pe() const noexcept { return pe_; }
  const std::string& reason() const noexcept;

 private:
  Pe pe_;
  std::shared_ptr<const std::string> reason_;
};

// The world a handle belongs to has ended.
class LAMELLAR_API WorldEnded : public Error {
 public:
  using Error::Error;
  ~WorldEnded() override;
};

// An active message, a reply or an exception is larger than LAMELLAR_MAX_AM. UNITS: bytes.
class LAMELLAR_API AmTooLarge : public Error {
 public:
  // what: what was to be sent, for example "active message Hello".
  AmTooLarge(const std::string& what, std::size_t size, std::size_t limit);
  ~AmTooLarge() override;
  std::size_t size() const noexcept { return size_; }
  std::size_t limit() const noexcept { return limit_; }

 private:
  std::size_t size_;
  std::size_t limit_;
};

// A PE was named that the world does not have.
class LAMELLAR_API OutOfRange : public Error {
 public:
  OutOfRange(const std::string& call, Pe pe, Pe num_pes);
  ~OutOfRange() override;
  Pe pe() const noexcept { return pe_; }
  Pe num_pes() const noexcept { return num_pes_; }

 private:
  Pe pe_;
  Pe num_pes_;
};

// Received bytes are not an encoding of the type they should hold.
class LAMELLAR_API DecodeError : public Error {
 public:
  using Error::Error;
  ~DecodeError() override;
};

// Something this build, machine or lamella cannot do.
class LAMELLAR_API Unsupported : public Error {
 public:
  using Error::Error;
  ~Unsupported() override;
};

}  // namespace lamellar
