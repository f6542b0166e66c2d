package Source;
# The files lint looks at, and their text without what must not be matched. In all three forms of
# the text every character stays on its line and column:
#   raw   as it is
#   text  comments blanked
#   code  comments and the contents of string and character literals blanked
use strict;
use warnings;

my @folders = qw(src include lamellae tests benchmarks examples cmake .ci);
my @top_files = qw(CMakeLists.txt dev);

sub load_tree {
  my @paths = grep { -f $_ } @top_files;
  walk($_, \@paths) for grep { -d $_ } @folders;
  return map { load($_) } sort @paths;
}

sub walk {
  my ($folder, $paths) = @_;
  opendir my $dir, $folder or die "lint: $folder: $!\n";
  for my $name (readdir $dir) {
    next if $name eq '.' || $name eq '..';
    my $path = "$folder/$name";
    if (-d $path && !-l $path) {
      walk($path, $paths);
    } elsif (-f $path && is_source($path)) {
      push @$paths, $path;
    }
  }
}

sub is_cpp { return $_[0] =~ /\.(?:cpp|hpp|h|cc|hh|cxx|hxx|ipp|inl|inc|def)$/ }

# Programs without an extension count when they start with #!.
sub is_source {
  my ($path) = @_;
  return 1 if is_cpp($path) || $path =~ m{(?:\.cmake|\.pm|\.sh|/CMakeLists\.txt)$};
  return 0 if $path =~ m{/[^/]*\.[^/]*$};
  open my $in, '<', $path or return 0;
  my $got = read $in, my $start, 2;
  return $got && $start eq '#!';
}

sub load {
  my ($path) = @_;
  open my $in, '<:raw', $path or die "lint: $path: $!\n";
  my $raw = do { local $/; <$in> };
  close $in;
  $raw = '' unless defined $raw;
  my $copy = $raw;
  utf8::decode($raw) or $raw = $copy;
  my %file = (path => $path, raw => $raw, is_cpp => is_cpp($path) ? 1 : 0);
  @file{qw(text code)} = $file{is_cpp} ? strip($raw) : ($raw, $raw);
  return \%file;
}

sub blank {
  my ($text) = @_;
  $text =~ s/[^\n]/ /g;
  return $text;
}

sub strip {
  my ($raw) = @_;
  my ($text, $code) = ('', '');
  while ($raw =~ m{\G(?:
      (?<comment> // (?: [^\n\\] | \\\n | \\. )* | /\* .*? \*/ )
    | (?<string> R"(?<tag>[^()\\\s]{0,16})\( .*? \)\g{tag}"
        | " (?: [^"\\\n] | \\. )* "
        | (?<![0-9A-Za-z_]) ' (?: [^'\\\n] | \\. )* ' )
    | (?<other> [^/"'R]+ | . )
  )}gsx) {
    if (defined $+{comment}) {
      $text .= blank($+{comment});
      $code .= blank($+{comment});
    } elsif (defined $+{string}) {
      my $string = $+{string};
      $text .= $string;
      my $inside = substr $string, 1, -1;
      $code .= substr($string, 0, 1) . blank($inside) . substr($string, -1);
    } else {
      $text .= $+{other};
      $code .= $+{other};
    }
  }
  return ($text, $code);
}

sub line_at {
  my ($text, $position) = @_;
  return 1 + (substr($text, 0, $position) =~ tr/\n//);
}

# includes(file): [line, opening character, path]; a computed include has the character '?'.
sub includes {
  my ($file) = @_;
  my @found;
  my $gap = qr/(?:[ \t]|\\\n)*/;
  while ($file->{code} =~ m{^$gap(?:\#|%:)$gap(?:include|include_next|import)\b$gap([^\n]*)}gm) {
    my $rest = substr $file->{text}, $-[1], $+[1] - $-[1];
    my $line = line_at($file->{code}, $-[1]);
    if ($rest =~ /^(["<])([^">]*)[">]/) {
      push @found, [$line, $1, $2];
    } else {
      push @found, [$line, '?', $rest];
    }
  }
  return @found;
}

1;
