package dev.gaur.storage.file;

class ChannelStorageTest extends FileContract {
    @Override
    FileDriver driver() {
        return FileDriver.portable();
    }
}
