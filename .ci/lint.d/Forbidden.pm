package Forbidden;
# Time, sleep, threads, locks and randomness go through src/base only, so that the simulator and the
# table of waits see all of them. Tests, benchmarks and examples may read clocks but not sleep.
use strict;
use warnings;
use Source;

my $std = qr/\bstd\s*::\s*/;
my $free = qr/(?<![\w.>:])(?:::\s*)?/;    # a call of a free function of the global namespace

my @sleeps = (
  [qr/${std}this_thread\b|\bthis_thread\s*::/, 'a sleep or yield'],
  [qr/\b(?:usleep|nanosleep|clock_nanosleep)\b/, 'a sleep'],
  [qr/${free}sleep\s*\(/, 'a sleep'],
);

my @tokens = (
  @sleeps,
  [qr/\b(?:steady|system|high_resolution|utc|tai|gps|file)_clock\b/, 'a clock'],
  [qr/\b(?:clock_gettime|clock_getres|gettimeofday|timespec_get)\b/, 'a clock'],
  [qr/\b(?:__?rdtscp?|__builtin_ia32_rdtscp?)\b/, 'a clock'],
  [qr/${free}(?:time|clock|ftime|times)\s*\(\s*(?:\)|nullptr\b|NULL\b|0\s*\)|&)/, 'a clock'],
  [qr/${std}(?:time|clock)\s*\(/, 'a clock'],
  [qr/\b(?:timer_create|timer_settime|timerfd_\w+|setitimer|ualarm)\b|${free}(?:alarm|pause)\s*\(/,
    'a timer'],
  [qr/${std}j?thread\b|\bpthread_\w+|\bthrd_\w+|\bmtx_\w+|\bcnd_\w+/, 'a thread or its lock'],
  [qr/${std}(?:recursive_|timed_|recursive_timed_|shared_|shared_timed_)?mutex\b/, 'a mutex'],
  [qr/${std}(?:lock_guard|unique_lock|scoped_lock|shared_lock|lock|try_lock)\b/, 'a lock'],
  [qr/\bcondition_variable(?:_any)?\b/, 'a blocking primitive'],
  [qr/\b(?:counting_semaphore|binary_semaphore|sem_wait|sem_timedwait|sem_init|sem_open)\b/,
    'a blocking primitive'],
  [qr/${std}(?:latch|barrier|future|shared_future|promise|packaged_task|async)\b/,
    'a blocking primitive'],
  [qr/${std}(?:call_once|once_flag)\b/, 'a blocking primitive'],
  [qr/\b(?:atomic_wait\w*|atomic_notify\w*|atomic_flag_wait\w*|atomic_flag_notify\w*)\b/,
    'a wait on an atomic'],
  [qr/(?:\.|->)\s*notify_(?:one|all)\s*\(/, 'a wait on an atomic'],
  [qr/(?:\.|->)\s*wait\s*\([^;{}]*\bmemory_order/, 'a wait on an atomic'],
  [qr/\batomic_ref\s*<[^;]*>\s*[({][^;]*[)}]\s*\.\s*wait\s*\(/, 'a wait on an atomic'],
  [qr/\b(?:SYS_futex\w*|__NR_futex\w*|FUTEX_\w+)\b|${free}futex\w*\s*\(/, 'a futex'],
  [qr/\b(?:ppoll|pollfd|pselect|pselect6|fd_set|FD_SET|epoll_\w+|EPOLL\w+)\b/, 'a poll'],
  [qr/(?<![\w>])::\s*(?:poll|select)\s*\(/, 'a poll'],
  [qr/${free}(?:poll|select)\s*\(\s*(?:nullptr|NULL|\d)/, 'a poll'],
  [qr/\b(?:sigwait|sigwaitinfo|sigtimedwait|sigsuspend)\b/, 'a blocking call'],
  [qr/\brandom_device\b/, 'a source of randomness'],
  [qr/\b(?:mt19937(?:_64)?|minstd_rand0?|ranlux\w+|knuth_b|default_random_engine)\b/,
    'a source of randomness'],
  [qr/\b(?:linear_congruential|mersenne_twister|subtract_with_carry|discard_block)_engine\b/,
    'a source of randomness'],
  [qr/\b(?:independent_bits|shuffle_order)_engine\b/, 'a source of randomness'],
  [qr/\b(?:rand_r|getrandom|getentropy|arc4random\w*|[a-z]rand48)\b/,
    'a source of randomness'],
  [qr/(?:${free}|${std})(?:s?rand|s?random)\s*\(/, 'a source of randomness'],
  [qr/\busing\s+namespace\s+(?:::\s*)?std\b|\bnamespace\s+\w+\s*=\s*(?:::\s*)?std\s*;/,
    'a name for std that hides the above'],
);

my $headers = qr{^(?:thread|mutex|shared_mutex|condition_variable|semaphore|latch|barrier|future
  |random|ctime|time\.h|sys/time\.h|sys/times\.h|threads\.h|pthread\.h|semaphore\.h|poll\.h
  |sys/poll\.h|sys/select\.h|sys/epoll\.h|sys/timerfd\.h|linux/futex\.h|x86intrin\.h)$}x;

sub check {
  my ($code, $rooms, $report) = @_;
  my @house = grep { $_->{path} =~ m{^(?:src|include|lamellae)/} } @$code;
  my $atomics = atomic_names(\@house);
  for my $file (@house) {
    my $room = $rooms->room_of($file->{path});
    next if $file->{path} =~ m{^src/base/} || (defined $room && $room =~ m{^base/});
    check_tokens($file, \@tokens, 'only src/base may use it', $report);
    check_headers($file, $report);
    check_atomic_waits($file, $atomics, $report);
    check_devices($file, $report);
  }
  my @sleeps_in_tests = (
    [qr/\bthis_thread\s*::\s*sleep\w*|\bstd\s*::\s*this_thread\s*;/, 'a sleep'],
    [qr/(?<!lamellar::)\bsleep(?:_for|_until)?\s*\(/, 'a sleep'],  # ours suspend a task
    @sleeps[1 .. 2],
  );
  for my $file (grep { $_->{path} =~ m{^(?:tests|benchmarks|examples)/} } @$code) {
    check_tokens($file, \@sleeps_in_tests, 'wait for a state, not for time', $report);
  }
}

sub check_tokens {
  my ($file, $table, $advice, $report) = @_;
  my %seen;
  for my $entry (@$table) {
    my ($pattern, $what) = @$entry;
    while ($file->{code} =~ /$pattern/g) {
      my ($line, $found) = (Source::line_at($file->{code}, $-[0]), $&);
      $found =~ s/\s+/ /g;
      next if $seen{"$line $what"}++;
      $report->($file->{path}, $line, 'forbidden', "$what: '$found'; $advice");
    }
  }
}

sub check_headers {
  my ($file, $report) = @_;
  for my $include (Source::includes($file)) {
    my ($line, $open, $name) = @$include;
    $report->($file->{path}, $line, 'forbidden', "header <$name>; only src/base may use it")
      if $open ne '?' && $name =~ $headers;
  }
}

sub check_devices {
  my ($file, $report) = @_;
  while ($file->{text} =~ m{"/dev/u?random}g) {
    $report->($file->{path}, Source::line_at($file->{text}, $-[0]), 'forbidden',
      "a source of randomness: '$&'; only src/base may use it");
  }
}

# Names of atomics, and of containers of them, anywhere in the house: lint has no types, and `wait`
# is a good name for other things.
sub atomic_names {
  my ($files) = @_;
  my %names;
  my $type = qr/\batomic(?:_\w+\b|\b\s*<(?:[^<>;]|<[^<>;]*>)*>)/;
  for my $file (@$files) {
    while ($file->{code} =~ /$type(?:[^;<>(){}=]*>)*[\s&*]*\b(\w+)\s*[;={(\[,)]/g) {
      $names{$1} = 1;
    }
  }
  my $any = join '|', map { quotemeta } sort keys %names;
  return $any eq '' ? undef : qr/\b(?:$any)\b(?:\s*\[[^\]]*\])?\s*(?:\.|->)\s*wait\s*\(/;
}

sub check_atomic_waits {
  my ($file, $pattern, $report) = @_;
  return unless defined $pattern;
  check_tokens($file, [[$pattern, 'a wait on an atomic']], 'only src/base may use it', $report);
}

1;
