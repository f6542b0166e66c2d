package Style;
# Lines of at most 100 columns, headers with #pragma once, no marks of unfinished work without a
# kind. Long files and functions are listed for a look, never refused.
use strict;
use warnings;
use Source;

my $columns = 100;
my $file_lines = 700;
my $function_lines = 70;

# Written in pieces: this file must not match itself.
my $todo = 'TO' . 'DO';
my $mark = qr/\b(?:$todo\b(?!\((?:perf|feature|cleanup|test|docs)\):)|FIX${\'ME'}\b|X${\'XX'}\b)/;

sub check {
  my ($file, $report) = @_;
  my $line = 0;
  for my $text (split /\n/, $file->{raw}) {
    ++$line;
    $report->($file->{path}, $line, 'style',
      'the line has ' . length($text) . " columns, $columns are allowed")
      if length($text) > $columns;
    $report->($file->{path}, $line, 'style',
      "'$&' without a kind: write $todo(perf|feature|cleanup|test|docs): what")
      if $text =~ $mark;
  }
  $report->($file->{path}, 1, 'style', 'a header starts with #pragma once')
    if $file->{path} =~ /\.hpp$/ && $file->{text} !~ /^\s*#\s*pragma\s+once\b/;
}

sub list_long {
  my ($code) = @_;
  my @found;
  for my $file (@$code) {
    my $lines = $file->{raw} =~ tr/\n//;
    push @found, sprintf '%s: %d lines', $file->{path}, $lines if $lines > $file_lines;
  }
  push @found, long_functions($code);
  print "a look at (long, not refused): $_\n" for @found;
}

sub long_functions {
  my ($code) = @_;
  return unless grep { -x "$_/ctags" } split /:/, $ENV{PATH} // '';
  my @paths = map { $_->{path} } @$code;
  return unless @paths;
  open my $tags, '-|', 'ctags', '-f', '-', '--languages=C++', '--kinds-C++=f', '--fields=+ne',
    '--excmd=number', @paths
    or return;
  my @found;
  while (<$tags>) {
    next unless /^([^!\t][^\t]*)\t([^\t]+)\t.*\bline:(\d+).*\bend:(\d+)/;
    my $length = $4 - $3 + 1;
    push @found, "$2:$3: $1 has $length lines" if $length > $function_lines;
  }
  close $tags;
  return @found;
}

1;
