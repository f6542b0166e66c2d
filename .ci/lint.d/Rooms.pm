package Rooms;
# The house as its files tell it: cmake/rooms.txt (order and folders), the DEPS line of each room,
# cmake/public_headers.txt (which room owns which public header).
use strict;
use warnings;
use File::Basename 'dirname';

sub lines_of {
  my ($path, $report) = @_;
  my @lines;
  if (open my $in, '<', $path) {
    while (my $line = <$in>) {
      $line =~ s/#.*//s;
      push @lines, [$., split ' ', $line] if $line =~ /\S/;
    }
  } else {
    $report->($path, 0, 'room', "cannot be read: $!");
  }
  return @lines;
}

sub read {
  my ($class, $report) = @_;
  my $self = bless {order => {}, folder => {}, deps => {}, source => {}, header => {}}, $class;
  for my $entry (lines_of('cmake/rooms.txt', $report)) {
    my ($line, $room, $folder) = @$entry;
    $self->{order}{$room} = scalar keys %{$self->{order}};
    $self->{folder}{$folder} = $room;
    $self->read_deps($room, "$folder/CMakeLists.txt", $report) if -f "$folder/CMakeLists.txt";
  }
  $self->read_headers($report);
  return $self;
}

sub read_deps {
  my ($self, $room, $path, $report) = @_;
  open my $in, '<', $path or die "lint: $path: $!\n";
  my $text = do { local $/; <$in> };
  $text =~ s/#[^\n]*//g;
  my ($arguments) = $text =~ /\blamellar_(?:room|tool)\s*\(([^)]*)\)/;
  if (!defined $arguments) {
    $report->($path, 1, 'room', "declares no room; expected lamellar_room($room ...)");
    return;
  }
  my ($name, @words) = split ' ', $arguments;
  $report->($path, 1, 'room', "declares room '$name', its folder is that of '$room'")
    if $name ne $room;
  my ($key, %deps) = ('');
  for my $word (@words) {
    if ($word =~ /^[A-Z_]+$/) {
      $key = $word;
    } elsif ($key eq 'DEPS') {
      $deps{$word} = 1;
    } elsif ($key eq 'SOURCES') {
      my $source = dirname($path) . "/$word";
      $self->{source}{$source} = 1;
      $report->($path, 1, 'room', "SOURCES names $word, which does not exist") unless -f $source;
    }
  }
  # A module of the room: a library of its own.
  while ($text =~ /\badd_library\s*\(\s*\w+\s+MODULE\s+([^)]*)\)/g) {
    $self->{source}{dirname($path) . "/$_"} = 1 for split ' ', $1;
  }
  $self->{deps}{$room} = \%deps;
  for my $dep (sort keys %deps) {
    next if exists $self->{order}{$dep} && $self->{order}{$dep} < $self->{order}{$room};
    $report->($path, 1, 'room', "room '$room' may not use '$dep': it is not below it");
  }
}

sub read_headers {
  my ($self, $report) = @_;
  my $table = 'cmake/public_headers.txt';
  for my $entry (lines_of($table, $report)) {
    my ($line, $header, $room) = @$entry;
    $report->($table, $line, 'table', "$header is listed twice") if $self->{header}{$header};
    $report->($table, $line, 'table', "$header does not exist in include/lamellar")
      unless -f "include/lamellar/$header";
    if (!defined $room || !$self->{deps}{$room}) {
      $report->($table, $line, 'table', "$header belongs to '" . ($room // '') . "': no such room");
      next;
    }
    $self->{header}{$header} = $room;
  }
}

sub exists_room { return exists $_[0]{deps}{$_[1]} }
sub is_below { return $_[0]{order}{$_[1]} < $_[0]{order}{$_[2]} }
sub header_room { return $_[0]{header}{$_[1]} }
sub may_use { return $_[1] eq $_[2] || $_[0]{deps}{$_[1]}{$_[2]} }

# The room a file belongs to, or undef.
sub room_of {
  my ($self, $path) = @_;
  return $self->{header}{$1} if $path =~ m{^include/lamellar/(.+)};
  for (my $folder = $path; $folder =~ s{/[^/]*$}{};) {
    return $self->{folder}{$folder} if exists $self->{folder}{$folder};
  }
  return undef;
}

# Every file of the house stands in a room, every public header in the table.
sub check_files {
  my ($self, $code, $report) = @_;
  for my $file (@$code) {
    my $path = $file->{path};
    if ($path =~ m{^include/(.*)}) {
      my $name = $1;
      if ($name !~ s{^lamellar/}{}) {
        $report->($path, 1, 'table', 'public headers live in include/lamellar');
      } elsif (!$self->{header}{$name}) {
        $report->($path, 1, 'table', "belongs to no room: add it to cmake/public_headers.txt");
      }
    } elsif ($path =~ m{^(?:src|lamellae)/}) {
      my $room = $self->room_of($path);
      if (!defined $room) {
        $report->($path, 1, 'room', 'stands in no room of cmake/rooms.txt');
      } elsif (!$self->exists_room($room)) {
        $report->($path, 1, 'room', "room '$room' has no CMakeLists.txt");
      } elsif ($path =~ /\.cpp$/ && !$self->{source}{$path}) {
        $report->($path, 1, 'room', "is not among the SOURCES of room '$room'");
      }
    }
  }
}

1;
