package dev.gaur.codec;

import java.util.Arrays;

/** The cluster that a zstd decoder fills; nothing is ever written past its end. */
final class ZstdOutput {

    private byte[] bytes = {};
    private int end;
    private int position;
    private int frameStart;

    /** Starts a cluster. */
    void reset(int size) {
        if (bytes.length < size) {
            bytes = new byte[size];
        }
        end = size;
        position = 0;
        frameStart = 0;
    }

    /** Starts a frame: what was written before it cannot be repeated. */
    void startFrame() {
        frameStart = position;
    }

    byte[] bytes() {
        return bytes;
    }

    boolean isFull() {
        return position == end;
    }

    /** Where the frame begins. */
    int frameStart() {
        return frameStart;
    }

    /** How many bytes of the frame there are. */
    int frameLength() {
        return position - frameStart;
    }

    void append(byte[] source, int from, int length) throws DamagedException {
        need(length);
        System.arraycopy(source, from, bytes, position, length);
        position += length;
    }

    void fill(byte value, int length) throws DamagedException {
        need(length);
        Arrays.fill(bytes, position, position + length, value);
        position += length;
    }

    /** Appends what is found a distance back; it may reach into what it appends. */
    void repeat(long distance, int length) throws DamagedException {
        DamagedException.unless(
                distance > 0 && distance <= frameLength(), "distance before the frame's start");
        need(length);
        int from = position - (int) distance;
        if (distance >= length) {
            System.arraycopy(bytes, from, bytes, position, length);
        } else {
            for (int i = 0; i < length; i++) {
                bytes[position + i] = bytes[from + i];
            }
        }
        position += length;
    }

    private void need(int length) throws DamagedException {
        DamagedException.unless(length <= end - position, "more data than the cluster holds");
    }
}
