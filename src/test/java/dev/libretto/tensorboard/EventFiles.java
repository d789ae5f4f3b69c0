package dev.libretto.tensorboard;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.tensorflow.proto.Event;
import org.tensorflow.proto.SessionLog.SessionStatus;
import org.tensorflow.proto.Summary;

/** Reads event files; a record is a length, its masked CRC-32C, the event, and its masked CRC-32C. */
final class EventFiles {
    private EventFiles() {}

    /** Returns the events of every file, oldest file first. */
    static List<Event> read(Path directory) throws IOException {
        List<Event> events = new ArrayList<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.sorted().toList()) {
                read(ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN), events);
            }
        }
        return events;
    }

    private static void read(ByteBuffer file, List<Event> events) throws IOException {
        while (file.hasRemaining()) {
            byte[] length = new byte[Long.BYTES];
            file.get(length);
            assertThat(file.getInt()).isEqualTo(maskedCrc(length));
            byte[] event = new byte
                    [(int) ByteBuffer.wrap(length)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .getLong()];
            file.get(event);
            assertThat(file.getInt()).isEqualTo(maskedCrc(event));
            events.add(Event.parseFrom(event));
        }
    }

    private static int maskedCrc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
    }

    /** Returns what TensorBoard shows of a tag by step; a session start drops its step and later ones. */
    static TreeMap<Long, Summary.Value> shown(List<Event> events, String tag) {
        TreeMap<Long, Summary.Value> shown = new TreeMap<>();
        for (Event event : events) {
            if (event.getSessionLog().getStatus() == SessionStatus.START) {
                shown.tailMap(event.getStep(), true).clear();
            }
            for (Summary.Value value : event.getSummary().getValueList()) {
                if (value.getTag().equals(tag)) {
                    assertThat(shown.put(event.getStep(), value))
                            .as(tag + " twice")
                            .isNull();
                }
            }
        }
        return shown;
    }
}
