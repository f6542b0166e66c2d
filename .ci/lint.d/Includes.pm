package Includes;
# Arrows point downward, and only where the room's DEPS line says so. Includes of the house are
# spelled from the floor ("base/log/log.hpp") or as public headers (<lamellar/log.hpp>).
use strict;
use warnings;
use Source;

my $floors = qr/(?:base|lamellae|engine|objects|world|tools)/;

sub check {
  my ($file, $rooms, $report) = @_;
  my $path = $file->{path};
  if ($path =~ m{^examples/}) {
    check_example($file, $report);
  } elsif ($path =~ m{^(?:src|lamellae|include)/}) {
    my $room = $rooms->room_of($path);
    return unless defined $room && $rooms->exists_room($room);    # reported by Rooms
    check_house($file, $room, $rooms, $report);
  }
}

# The room an include names and whether it is a public header; (undef, why) when the spelling is
# bad; () for what is not of the house.
sub target_of {
  my ($open, $name, $rooms) = @_;
  return (undef, 'an include that is computed cannot be checked') if $open eq '?';
  return (undef, 'spell it from the floor, without . or ..')
    if $name =~ m{(?:^|/)\.{1,2}(?:/|$)|//|^/(?:.*/)?(?:src|include|lamellae)/};
  return (undef, "leave out '$1/'") if $name =~ m{^(src|include)/};
  if ($name =~ m{^lamellar/(.+)}) {
    my $room = $rooms->header_room($1);
    return (undef, 'no such header in cmake/public_headers.txt') unless defined $room;
    return ($room, 'public');
  }
  if ($name =~ m{^($floors/[^/]+)/}) {
    return $rooms->exists_room($1) ? ($1, 'internal') : (undef, "there is no room '$1'");
  }
  return (undef, 'spell it from the floor ("floor/room/file.hpp")') if $open eq '"';
  return ();
}

sub check_house {
  my ($file, $room, $rooms, $report) = @_;
  my $is_public = $file->{path} =~ m{^include/};
  for my $include (Source::includes($file)) {
    my ($line, $open, $name) = @$include;
    my @target = target_of($open, $name, $rooms);
    next unless @target;
    my ($other, $kind) = @target;
    my $fault = sub { $report->($file->{path}, $line, 'include', "room '$room' may not include "
          . "'$name': $_[0]") };
    if (!defined $other) {
      $fault->($kind);
    } elsif ($is_public && $kind eq 'internal') {
      $fault->('a public header includes only public headers');
    } elsif (!$rooms->may_use($room, $other)) {
      $fault->($rooms->is_below($other, $room)
        ? "room '$other' is not on its DEPS line"
        : "room '$other' is above it");
    }
  }
}

# Examples are what a user would write: public headers only.
sub check_example {
  my ($file, $report) = @_;
  for my $include (Source::includes($file)) {
    my ($line, $open, $name) = @$include;
    $report->($file->{path}, $line, 'include',
      "an example may not include '$name': public headers only")
      if $name =~ m{^lamellar/detail/|^(?:src/)?$floors/|(?:^|/)\.\./};
  }
}

1;
