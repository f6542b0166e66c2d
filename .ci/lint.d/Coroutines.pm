package Coroutines;
# What g++ 12 miscompiles around co_await (docs/guides/gcc12-and-co_await.md): in our own tree an
# awaited expression builds no aggregate temporary, braced list or capturing lambda, and co_await
# stands in no condition.
use strict;
use warnings;
use Source;

sub check {
  my ($file, $report) = @_;
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
  while ($code =~ /\b(if|while|switch)\s*(?:constexpr\s*)?(\((?:[^()]++|(?2))*\))/g) {
    my ($keyword, $condition, $position) = ($1, $2, $-[0]);
    next unless $condition =~ /\bco_await\b/;
    $report->($file->{path}, Source::line_at($code, $position), 'coroutine',
      "co_await in the condition of $keyword, which g++ 12 miscompiles: name the result first");
  }
}

1;
