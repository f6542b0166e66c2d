package Coroutines;
# What g++ 12 miscompiles around co_await (docs/guides/gcc12-and-co_await.md): in our own tree an
# awaited expression builds no aggregate temporary, braced list or capturing lambda, its result goes
# into no braces, capture, new or throw, and co_await stands in no condition. (Nor in a conditional
# expression, unless it gives a number: types are not known here.)
use strict;
use warnings;
use Source;

sub check {
  my ($file, $report) = @_;
  return if $file->{path} eq 'tests/idioms/traps_test.cpp';    # shows what happens
  my $code = $file->{code};
  while ($code =~ /\bco_await\b([^;{}]*)(\{)?/g) {
    my ($position, $expression, $brace) = ($-[0], $1, $2);
    my $line = Source::line_at($code, $position);
    if (defined $brace && $expression =~ /[\w>(,]\s*$/ && $expression =~ /\(/) {
      $report->($file->{path}, $line, 'coroutine',
        'an awaited expression builds a temporary with braces, which g++ 12 destroys twice: use '
          . 'the emplace form');
    } elsif ($expression =~ /(?<![\w\])])\s*\[\s*[^\[\]\s][^\[\]]*\]\s*\(?/) {
      $report->($file->{path}, $line, 'coroutine',
        'an awaited expression builds a capturing lambda, which g++ 12 destroys twice: pass '
          . 'arguments');
    }
  }
  my $made_in_place = qr/[\w>\]=,(]\s*\{[^;{}]*\bco_await\b[^;{}]*\}|\bnew\b[^;{}]*\bco_await\b
    |\bthrow\s+co_await\b|[\[,]\s*\w+\s*=\s*co_await\b[^;{}\[\]]*\]\s*[({]/x;
  while ($code =~ /$made_in_place/g) {
    my ($statement) = substr($code, 0, $-[0] + 1) =~ /([^;{}]*)$/;
    next if $statement =~ /\bstd::(?:tuple|pair|optional)\b/;    # they have constructors
    $report->($file->{path}, Source::line_at($code, $-[0]), 'coroutine',
      'the result of co_await goes into braces, a capture, new or throw, which g++ 12 destroys '
        . 'twice: name it first');
  }
  while ($code =~ /\b(if|while|switch)\s*(?:constexpr\s*)?(\((?:[^()]++|(?2))*\))/g) {
    my ($keyword, $condition, $position) = ($1, $2, $-[0]);
    next unless $condition =~ /\bco_await\b/;
    $report->($file->{path}, Source::line_at($code, $position), 'coroutine',
      "co_await in the condition of $keyword, which g++ 12 miscompiles: name the result first");
  }
}

1;
