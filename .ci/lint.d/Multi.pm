package Multi;
# tests/multi: every PE may be a process of its own, so a body shares nothing with another PE's but
# active messages, PeLocal and return values. Refused: a body or a remote closure that captures, and
# variables that outlive the body (globals, statics, thread-locals) unless they are constant.
use strict;
use warnings;
use Source;

my $block = qr/(\{(?:[^{}]++|(?-1))*\})/;

sub check {
  my ($file, $report) = @_;
  check_captures($file, $report);
  check_statics($file, $report);
  check_globals($file, $report);
}

# The text between the parenthesis at $start and its partner.
sub arguments_at {
  my ($code, $start) = @_;
  my $depth = 0;
  pos($code) = $start;
  while ($code =~ /\G[^()]*([()])/gc) {
    $depth += $1 eq '(' ? 1 : -1;
    return substr($code, $start, pos($code) - $start) if $depth == 0;
  }
  return substr($code, $start);
}

sub check_captures {
  my ($file, $report) = @_;
  my $code = $file->{code};
  while ($code =~ /\b(LAMELLAR_MULTI_TEST|exec_\w+|spawn_am_\w+)\s*(?:<[^;(){}]*>)?\s*\(/g) {
    my ($call, $open) = ($1, $+[0] - 1);
    my $arguments = arguments_at($code, $open);
    $arguments =~ s/$block/'{' . Source::blank(substr $1, 2) . '}'/ge;    # only the closure itself
    while ($arguments =~ /(?<![\w\])])\s*\[\s*([^\[\]]+?)\s*\]\s*(?:\(|\{|<|mutable\b|->)/g) {
      $report->($file->{path}, Source::line_at($code, $open + $-[1]), 'multi',
        "the closure given to $call captures '$1': PEs share nothing; pass it as an argument");
    }
  }
}

sub is_constant {
  my ($declaration) = @_;
  return 1 if $declaration =~ /\bconstexpr\b/;
  $declaration =~ s/.*[*&]//s;    # what counts is the const behind the last * or &
  return $declaration =~ /\bconst\b/;
}

sub check_statics {
  my ($file, $report) = @_;
  my $code = $file->{code};
  while ($code =~ /\b(static|thread_local)\b(?!_)([^;{}()=]*)([;{(=])/g) {
    my ($position, $declaration, $end) = ($-[0], $2, $3);
    next if $end eq '(' || is_constant($declaration);    # a function, or constant
    $report->($file->{path}, Source::line_at($code, $position), 'multi',
      'a variable that outlives the body: PEs share nothing; use PeLocal');
  }
}

# Definitions at namespace scope. Blocks are cut out first: those of namespaces are opened, others
# are replaced by nothing, so what is left is a list of declarations.
sub check_globals {
  my ($file, $report) = @_;
  my $code = $file->{code};
  $code =~ s{^[ \t]*\#(?:[^\n\\]|\\\n|\\.)*}{Source::blank($&)}gem;
  1 while $code =~ s{(\b(?:inline\s+)?namespace\b[\w\s:]*)\{}{Source::blank($1) . ' '}e;
  $code =~ s/$block/'{' . Source::blank(substr $1, 2) . '}'/ge;
  my $position = 0;
  for my $statement (split /(?<=[;}])/, $code) {
    my $start = $position;
    $position += length $statement;
    $statement =~ s/^(\s*\}?\s*)//;
    my $line = Source::line_at($code, $start + length $1);
    next if $statement =~ /^(?:using|typedef|template|struct|class|enum|union|friend|static_assert
        |extern|static|thread_local|LAMELLAR_\w+|TEST\w*|INSTANTIATE_\w+)\b/x;
    next unless $statement =~ /^[\w:<>,\s*&]+?[\s*&>]\w+\s*(?:\[[^\]]*\]\s*)?(=|;|\{)/;
    my $declaration = substr $statement, 0, $-[1];
    next if is_constant($declaration);
    $report->($file->{path}, $line, 'multi',
      'a global variable that is not constant: PEs share nothing; use PeLocal');
  }
}

1;
