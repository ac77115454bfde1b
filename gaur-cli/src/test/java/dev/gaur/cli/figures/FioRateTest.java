package dev.gaur.cli.figures;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class FioRateTest {
    private static String said(long bytes, long millis) {
        return "fio: connected to NBD server\n{\"jobs\": [{\"write\": {\"io_bytes\": "
                + bytes
                + ", \"iops\": 99.5, \"runtime\": "
                + millis
                + "}, \"read\": {\"io_bytes\": 0, \"runtime\": 0}}]}\n";
    }

    @Test
    void itIsThatOfTheRequestsThatWereDone() {
        assertEquals(500, Fio.rate(said(100 * 4096, 200), "write", 4096));
    }

    @Test
    void timeTooShortForItsClockIsOneMillisecond() {
        assertEquals(3000, Fio.rate(said(3 * 4096, 0), "write", 4096));
    }

    @Test
    void withoutARequestThereIsNoRate() {
        assertThrows(FiguresException.class, () -> Fio.rate(said(1, 1), "read", 4096));
        assertThrows(FiguresException.class, () -> Fio.rate("{\"jobs\": []}", "write", 4096));
        assertThrows(FiguresException.class, () -> Fio.rate("no JSON", "write", 4096));
    }
}
